import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually } from "./deadline.ts";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import type { WireResponse } from "./phoenix-client.ts";
import { WireClient } from "./wire-client.ts";

const gateway = await GatewayProcess.start(fileScope(), { services: ["operated-service.ts"] });

interface Named {
  readonly requestType: string;
  readonly version: string | null;
  readonly disabled: boolean;
}

/** The code of a call's Response; `ok` for a success. */
async function codeOf(client: WireClient, ...call: [string, string, object?]): Promise<string> {
  const response = await client.call(...call);
  return response?.success ? "ok" : (response?.code ?? "none");
}

/** What a command is refused with. */
async function refusal(name: string, ...args: unknown[]): Promise<string> {
  const error = await gateway.command(name, ...args).then(
    () => assert.fail(`${name} was carried out`),
    (refused: Error) => refused,
  );
  return error.message.replace(`${name}: `, "");
}

it("functions are listed, switched off and on, and taken away", async (t) => {
  const client = await WireClient.join(t, gateway);
  const functions = await gateway.command<Named[]>("functions", "user_service");
  assert.deepEqual(
    functions.map(({ requestType, version }) => [requestType, version]),
    [
      ["get_user", "1.0.0"],
      ["get_user", "2.0.0"],
      ["list_users", null],
    ],
  );
  const ask = { user_id: "1" };
  const off = await gateway.command<Named>("disableFunction", "user_service", "get_user@2.0.0");
  assert.equal(off.disabled, true);
  assert.equal(
    (await client.call("user_service", "get_user", ask))?.success,
    true,
    "the version below it is called",
  );
  await gateway.command("disableFunction", "user_service", "get_user@1.0.0");
  const disabled = (): Promise<string> => codeOf(client, "user_service", "get_user", ask);
  await eventually(disabled, (code) => code === "disabled_function", "both are off");
  await gateway.command("enableFunction", "user_service", "get_user@1.0.0");
  await eventually(disabled, (code) => code === "ok", "one is on again");
  assert.deepEqual(await gateway.command("deleteFunction", "echo_service", "echo"), {
    deleted: "echo_service/echo",
  });
  const gone = (): Promise<string> => codeOf(client, "echo_service", "echo", { message: "hi" });
  await eventually(gone, (code) => code === "unsupported_function", "it is gone");
  await gateway.command("restart", "echo_service");
  await eventually(gone, (code) => code === "ok", "its service has brought it back");
  for (const [args, message] of [
    [["user_service", "get_user"], /^type: user_service\/get_user has versions: name one of get_u/],
    [["user_service", "get"], /^there is no function "user_service\/get": there are get_user@1/],
    [["users", "get"], /^there is no service with functions "users": there are .*user_service/],
    [["user_service"], /^type: expected the name of a function such as .*, received nothing$/],
    [[], /^service: expected the name of a service, received nothing$/],
  ] as const) {
    for (const name of ["enableFunction", "disableFunction", "deleteFunction"]) {
      assert.match(await refusal(name, ...args), message);
    }
  }
});

it("a file of functions comes and goes, and what is wrong with one is kept", async (t) => {
  const client = await WireClient.join(t, gateway);
  const mfa = { module: "echo_service", function: "echo", args: [] };
  const entry = {
    ...{ service: "filed_service", request_type: "say", nodes: "local", mfa },
    ...{ arg_types: { message: "string" }, arg_orders: "map" },
  };
  const path = gateway.write("functions.json", JSON.stringify([entry]));
  assert.equal(
    (await gateway.run("loadFunctions", "functions.json")).stdout,
    `loaded ${path}: filed_service/say\n`,
  );
  const say = (): Promise<string> => codeOf(client, "filed_service", "say", { message: "hi" });
  await eventually(say, (code) => code === "ok", "its function can be called");
  assert.match(
    await gateway.prompt("functionFiles"),
    /functions\.json +running .*filed_service\/say$/m,
  );

  assert.deepEqual(await gateway.command("validateConfig", entry).then(Object), {
    ...Object(await gateway.command("validateConfig", JSON.stringify(entry))),
  });
  const invalid = await gateway.run("validateConfig", '{"service":5}');
  assert.deepEqual([invalid.code, invalid.stderr], [1, ""]);
  assert.match(invalid.stdout, /^invalid\nservice: expected .*, received 5\n/);

  gateway.write("functions.json", JSON.stringify([{ ...entry, timeout: 1 }]));
  await gateway.command("clearFailedConfigs");
  assert.match(await refusal("loadFunctions", path), /invalid_functions: .*timeout: expected/s);
  const failed = await eventually(
    () => gateway.command<{ source: string; service: string }[]>("failedConfigs"),
    ({ length }) => length > 0,
    "it is among the failed configs",
  );
  assert.deepEqual(
    [failed.length, failed[0]?.source, failed[0]?.service],
    [1, "file", "filed_service"],
  );
  assert.deepEqual(await gateway.command("failedConfigs", { source: "push" }), []);
  assert.deepEqual(await gateway.command("failedConfigsSummary"), {
    ...{ total: 1, bySource: { file: 1 }, byService: { filed_service: 1 } },
  });
  assert.deepEqual(await gateway.command("cleanupFailedConfigs"), { dropped: 0 });
  assert.equal(await gateway.prompt("clearFailedConfigs"), "dropped 1 failed config\n");
  assert.match(
    await refusal("failedConfigs", { limit: "x" }),
    /^filter\.limit: expected an integer/,
  );

  assert.equal(await say(), "ok", "what was loaded before stands");
  await gateway.command("unloadFunctions", path);
  await eventually(say, (code) => code === "unsupported_function", "its function is gone");
  assert.match(
    await refusal("unloadFunctions", path),
    /^there is no loaded file of functions ".*functions\.json": there /,
  );
});

it("the registry is counted, and its functions exported as requests that are answered", async (t) => {
  const client = await WireClient.join(t, gateway);
  const cache = await gateway.command<Record<string, number>>("cacheStatus");
  assert.equal(cache["entries"], (await gateway.command<object[]>("functions")).length);
  const exported = await gateway.command<Record<string, { event: string; payload: unknown }[]>>(
    "exportRequests",
    "echo_service",
  );
  assert.deepEqual(Object.keys(exported), ["echo_service"]);
  const [request] = exported["echo_service"] ?? [];
  client.send(["1", "7", "api:lobby", request?.event ?? "", request?.payload]);
  const [, , , , reply] = await client.next();
  assert.equal((reply as { response: WireResponse }).response.success, true);
  assert.match(
    await refusal("exportRequests", "nope"),
    /^there is no service with functions "nope"/,
  );
});

it("rate limits are added, looked at, reset and removed", async (t) => {
  const client = await WireClient.join(t, gateway);
  const value = (): Promise<string> => codeOf(client, "math_service", "value");
  const rule = { key: "user_id", max_requests: 2, window_ms: 600_000, id: "math" };
  const ofApi = { ...rule, service: "math_service", request_type: "value" };
  const added = await gateway.run("rlAdd", JSON.stringify(ofApi));
  assert.match(
    added.stdout,
    /^added the limit math: 2 requests in 10 min 0 s .*math_service\/value/,
  );
  await eventually(value, (code) => code === "rate_limited", "the limit holds");
  interface Usage {
    readonly limits: readonly { id: string; used: number; remaining: number }[];
  }
  const usage = await gateway.command<Usage>("rlStatus", "wire");
  const { used, remaining } = usage.limits.find(({ id }) => id === "math") ?? {};
  assert.deepEqual([used, remaining], [2, 0]);
  const other = await gateway.command<Usage>("rlStatus", 7);
  assert.equal(other.limits.find(({ id }) => id === "math")?.used, 0);
  const { limits } = await gateway.command<{ limits: { refused: number } }>("health");
  assert.ok(limits.refused > 0);

  assert.deepEqual(await gateway.command("rlReset", "wire", "math"), { value: "wire", limits: 1 });
  assert.equal(await value(), "ok");
  assert.equal(await value(), "ok");
  assert.equal(await value(), "rate_limited");
  assert.match(
    await gateway.prompt("rlReset"),
    /^\d+ limits? of this node begins? anew, for everybody$/m,
  );
  await eventually(value, (code) => code === "ok", "everybody begins anew");

  const inForce = await gateway.command<{ rules: { id: string }[] }>("rlConfig");
  assert.ok(inForce.rules.some(({ id }) => id === "math"));
  const global = await gateway.command<{ rules: { id: string }[]; shards: object[] }>("rlGlobal");
  assert.equal(
    global.rules.some(({ id }) => id === "math"),
    false,
  );
  assert.equal(global.shards.length, 2);

  for (const [name, args, message] of [
    ["rlAdd", [ofApi], /^limit_exists: there is a limit math already$/],
    [
      "rlAdd",
      [{ ...ofApi, key: 5 }],
      /^invalid_limit: limit\.key: expected a non-empty string .*, received 5/,
    ],
    ["rlAdd", [], /^invalid_limit: limit: expected a map/],
    ["rlRemove", ["maths"], /^there is no limit "maths": there are .*math/],
    ["rlRemove", [], /^id: expected the id of a limit, received nothing$/],
    ["rlReset", ["wire", "maths"], /^there is no limit "maths": there are /],
    ["rlReset", [null, "math"], /^value: expected a user id, .*, received null$/],
    ["rlStatus", [], /^value: expected a user id, .*, received nothing$/],
  ] as const) {
    assert.match(await refusal(name, ...args), message);
  }
  assert.equal(await gateway.prompt('rlRemove("math")'), "removed the limit math\n");
  await eventually(
    async () => [await value(), await value(), await value()],
    (codes) => codes.every((code) => code === "ok"),
    "the limit is gone",
  );
});

it("a circuit that has opened is seen, degrades the health, and is closed", async (t) => {
  const client = await WireClient.join(t, gateway);
  const fails = (): Promise<string> => codeOf(client, "operated_service", "fails");
  assert.deepEqual(await gateway.command("breakers"), { enabled: true, circuits: [] });
  for (let count = 0; count < 10; count++) assert.equal(await fails(), "internal");
  await eventually(fails, (code) => code === "circuit_open", "the circuit opens");
  assert.equal(
    await codeOf(client, "operated_service", "works"),
    "ok",
    "it is that function's own",
  );
  interface Seen {
    readonly circuits: readonly { target: string; state: string }[];
  }
  const target = "local/operated_service/fails";
  const { circuits } = await gateway.command<Seen>("breakers");
  assert.deepEqual(
    circuits.map((one) => [one.target, one.state]),
    [[target, "open"]],
  );
  const health = await gateway.command<Seen & { status: string }>("health");
  assert.deepEqual([health.status, health.circuits[0]?.target], ["degraded", target]);
  assert.match(
    await gateway.prompt("health"),
    /^the circuit of local\/operated_service\/fails is open, /m,
  );
  assert.match(
    await refusal("resetBreaker", "local/other"),
    /^there is no circuit with failures "local\/other": there are local\/operated_service\/fails$/,
  );
  assert.deepEqual(await gateway.command("resetBreaker", target), { reset: target });
  await eventually(fails, (code) => code === "internal", "calls go through again");
  await gateway.command("resetBreaker", target);
  assert.match(await refusal("resetBreaker"), /^target: expected a target such as /);
});

it("who is inside a bulkhead is seen, and who waits", async (t) => {
  const client = await WireClient.join(t, gateway);
  for (let count = 0; count < 3; count++) void client.call("operated_service", "waits");
  interface Use {
    readonly function: string;
    readonly held: number | null;
    readonly waiting: number | null;
  }
  const look = async (): Promise<Use | undefined> => {
    const uses = await gateway.command<Use[]>("bulkheads");
    return uses.find((one) => one.function === "operated_service/waits");
  };
  const use = await eventually(
    look,
    (seen) => seen?.held === 1 && seen.waiting === 2,
    "they are in",
  );
  assert.deepEqual(use, {
    ...{ function: "operated_service/waits", held: 1, waiting: 2, maxConcurrent: 1, maxQueue: 5 },
  });
  client.ws.terminate();
  await eventually(look, (seen) => seen?.held === 0 && seen.waiting === 0, "they are gone");
});

it("the pools tell what they do", async () => {
  const { pools, silent } = await gateway.command<{ pools: { name: string }[]; silent: string[] }>(
    "poolStatus",
  );
  assert.deepEqual(
    pools.map(({ name }) => name),
    ["pool/async", "pool/stream"],
  );
  assert.deepEqual(silent, []);
  assert.match(await gateway.prompt("poolStatus"), /^pool\/async +0 +0 of \d+ /m);
});

it("a stream is stopped, whoever its client is", async (t) => {
  const client = await WireClient.join(t, gateway);
  const payload = {
    service: "operated_service",
    request_type: "ticks",
    request_id: "mine",
    args: {},
  };
  client.send(["1", "5", "api:lobby", "api", payload]);
  const texts: WireResponse[] = [];
  while (texts.length < 2) {
    const [, , , , body] = await client.next();
    texts.push(((body as { response?: WireResponse }).response ?? body) as WireResponse);
  }
  assert.deepEqual(
    texts.map(({ result, has_more }) => [result, has_more]),
    [
      ["init", true],
      ["tick", true],
    ],
  );
  assert.equal(await gateway.prompt('stopStream("mine")'), "stopped the stream mine\n");
  const [, , , event, last] = await client.next();
  assert.deepEqual([event, (last as WireResponse).code], ["api", "cancelled"]);
  assert.equal(
    await refusal("stopStream", "mine"),
    'no client has an open stream with the request id "mine"',
  );
  assert.match(await refusal("stopStream"), /^requestId: expected the request_id of a stream/);
});

it("bare names are calls at the prompt, and those that need more tell so", async () => {
  assert.match(await gateway.prompt("help"), /^rlStatus\(value\) +what a user/m);
  assert.match(await gateway.prompt("tree"), /^root +<0\.0\.\d+> +Supervisor /m);
  assert.equal(
    await gateway.prompt("stopStream"),
    "stopStream(requestId): stop the stream of a request, whoever its client is\n",
  );
});
