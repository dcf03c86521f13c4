import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { test } from "node:test";
import { ManualClock } from "../../../runtime/testing/index.ts";
import { Client, request, type Stage, stage } from "./client.ts";
import { admission } from "./fixtures/connect.ts";

const connect = {
  module: new URL("./fixtures/connect.ts", import.meta.url).href,
  function: "connect",
};

/** The status and body of a refused upgrade. */
async function refusal(at: Stage, path: string, protocols: string[] = []) {
  const client = new Client(`ws://127.0.0.1:${at.port}${path}`, protocols);
  const [, response] = await once(client.ws, "unexpected-response");
  response.setEncoding("utf8");
  let body = "";
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body: body.trim() };
}

const whoami = async (client: Client): Promise<Record<string, unknown>> => {
  await client.join("strict:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "strict:lobby", "api", request("whoami", "r1")]);
  return ((await client.next())[4] as { response: { result: Record<string, unknown> } }).response
    .result;
};

test("sockets live at one path and in two serializations", async (t) => {
  const at = await stage(t);
  assert.equal((await refusal(at, "/elsewhere?vsn=2.0.0")).status, 404);
  assert.equal((await refusal(at, "/socket/websocket/?vsn=2.0.0")).status, 404);
  const { status, body } = await refusal(at, "/socket/websocket?vsn=3.0.0");
  assert.equal(status, 400);
  assert.match(body, /vsn/);
  for (const path of ["//", "/socket/websocket%", "/%00"]) {
    assert.equal((await refusal(at, path)).status, 404);
  }
  await (await at.connect("vsn=2.0.7")).heartbeat();
});

test("without a connect handler everybody is anonymous", async (t) => {
  const at = await stage(t);
  const client = await at.connect("vsn=2.0.0&user_id=mallory");
  await client.join("api:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "api:lobby", "api", request("whoami", "r1")]);
  const { result } = ((await client.next())[4] as { response: { result: unknown } }).response;
  assert.deepEqual(result, {
    userId: null,
    userRoles: [],
    deviceId: null,
    ipAddress: "127.0.0.1",
    assigns: {},
  });
});

test("the connect handler's assigns are the caller", async (t) => {
  const at = await stage(t, { connect });
  admission.decide = ({ params, token, ipAddress }) => ({
    user_id: params["user_id"],
    user_roles: ["admin"],
    device_id: token,
    ipAddress,
  });
  const caller = await whoami(await at.connect("vsn=2.0.0&user_id=alice&token=t0k"));
  assert.equal(caller["userId"], "alice");
  assert.deepEqual(caller["userRoles"], ["admin"]);
  assert.equal(caller["deviceId"], "t0k");
  assert.deepEqual(caller["assigns"], {
    ...{ user_id: "alice", user_roles: ["admin"], device_id: "t0k", ipAddress: "127.0.0.1" },
  });
});

test("a token in the subprotocol header reaches the handler, and phoenix is answered", async (t) => {
  const at = await stage(t, { connect });
  admission.decide = async ({ token }) => ({ user_id: token });
  const bearer = `base64url.bearer.phx.${Buffer.from("s3cret").toString("base64url")}`;
  const client = await at.connect("vsn=2.0.0", ["phoenix", bearer]);
  assert.equal(client.ws.protocol, "phoenix");
  assert.equal((await whoami(client))["userId"], "s3cret");
});

test("null, a throw, a rejection and nonsense refuse with 403, before the upgrade", async (t) => {
  const at = await stage(t, { connect });
  const path = "/socket/websocket?vsn=2.0.0&token=s3cret";
  admission.decide = () => null;
  assert.deepEqual(await refusal(at, path), { status: 403, body: "refused" });
  const told = at.log.pop();
  assert.match(JSON.stringify(told), /connect handler refused/);
  assert.ok(!JSON.stringify(told).includes("s3cret"));
  const refusals = [
    () => {
      throw new Error("no database");
    },
    () => Promise.reject(new Error("no database")),
    () => "alice",
    () => ({ user_id: {} }),
    () => ({ user_id: "alice", user_roles: [7] }),
  ];
  for (const decide of refusals) {
    admission.decide = decide as typeof admission.decide;
    assert.deepEqual(await refusal(at, path), { status: 403, body: "refused" });
    const line = at.log.pop();
    assert.equal(line?.message, "connect handler failed");
    assert.ok(!JSON.stringify(line).includes("s3cret"));
  }
});

test("a connect handler that does not answer in 5 s refuses", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { connect }, clock);
  const asked = new Promise<void>((resolve) => {
    admission.decide = () => {
      resolve();
      return new Promise(() => {});
    };
  });
  const answer = refusal(at, "/socket/websocket?vsn=2.0.0");
  await asked;
  clock.advance(5_000);
  assert.equal((await answer).status, 403);
});

test("a client that hangs up while the handler decides leaves nothing behind", async (t) => {
  const at = await stage(t, { connect });
  let decide = (_assigns: null | object): void => {};
  const asked = new Promise<void>((resolve) => {
    admission.decide = () => {
      resolve();
      return new Promise((decided) => {
        decide = decided as typeof decide;
      });
    };
  });
  const client = new Client(at.url());
  await asked;
  client.ws.terminate();
  await client.closed;
  decide({ user_id: "alice" });
  await at.quiet();
});

test("a connect handler that is not there fails the start, by name", async (t) => {
  const bad = { ...connect, function: "nobody" };
  await assert.rejects(stage(t, { connect: bad }), /has no function nobody/);
  const missing = { ...connect, module: "file:///nowhere.ts" };
  await assert.rejects(stage(t, { connect: missing }), /cannot load file:\/\/\/nowhere\.ts/);
});

test("a plain request is a page's, whatever upgrade it offers", async (t) => {
  const at = await stage(t);
  const headers = { connection: "Upgrade", upgrade: "h2c" };
  const [response] = await once(
    get({ port: at.port, host: "127.0.0.1", path: "/", headers, agent: false }),
    "response",
  );
  assert.equal(response.statusCode, 200);
  response.resume();
});
