import assert from "node:assert/strict";
import { it } from "node:test";
import { eventually, within } from "./deadline.ts";
import { Gate } from "./gate.ts";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { PhoenixClient } from "./phoenix-client.ts";
import { answered, joinOnEach } from "./wire-client.ts";

const gateway = await GatewayProcess.start(fileScope(), { services: ["thread-service.ts"] });

/** A module as somebody writes it anywhere on the disk. */
function write(name: string, answer: string, options = "{}"): void {
  gateway.write(
    `${name}.ts`,
    `import { get } from "node:http";
import { text } from "node:stream/consumers";
import { defineService } from "troupe";
import Type from "typebox";

interface Args { readonly url: string }

const fetched = ({ url }: Args): Promise<string> =>
  new Promise((resolve, reject) => {
    get(url, (response) => resolve(text(response))).on("error", reject);
  });

export default defineService("${name}", {
  answer: () => ${JSON.stringify(answer)},
  greet: {
    args: Type.Object({ name: Type.String() }),
    handler: ({ name }) => \`${answer} \${name}\`,
  },
  holds: {
    timeout: 60_000,
    args: Type.Object({ url: Type.String() }),
    handler: async (args) => \`\${await fetched(args)} ${answer}\`,
  },
}, ${options});
`,
  );
}

it("a module spawned by the command is callable at once by who is joined already", async (t) => {
  const client = await PhoenixClient.join(t, gateway.url);
  assert.equal((await client.call("late_service", "answer")).code, "unsupported_function");
  write("late_service", "hello");
  const { code, stdout, stderr } = await gateway.run("spawn", "./late_service.ts");
  assert.deepEqual([code, stdout, stderr], [0, "loaded late_service: answer, greet, holds\n", ""]);
  assert.equal(await client.result("late_service", "greet", { name: "Ada" }), "hello Ada");
  assert.deepEqual([client.opens, client.closes], [1, 0]);
});

it("a module spawned at the prompt is callable at once on every thread", async (t) => {
  const clients = [...(await joinOnEach(t, gateway, [1, 2], 1)).values()].flat();
  for (let index = 1; index <= 10; index++) {
    const name = `prompt_service_${index}`;
    write(name, `hello ${index}`, index % 2 ? "{}" : '{ instances: "per-thread" }');
    const printed = await gateway.prompt(`spawn("./${name}.ts")`);
    assert.equal(printed, `loaded ${name}: answer, greet, holds\n`);
    for (const client of clients) {
      assert.equal((await client.call(name, "answer"))?.result, `hello ${index}`);
    }
  }
});

it("a changed module replaces the running one, and no call fails", async (t) => {
  for (const options of ["{}", '{ instances: "per-thread" }']) {
    const name = options === "{}" ? "single_service" : "spread_service";
    const clients = [...(await joinOnEach(t, gateway, [1, 2], 2)).values()].flat();
    write(name, "v1", options);
    await gateway.command("spawn", `${gateway.folder}/${name}.ts`);
    let isEnough = false;
    const pumps = clients.map((client) =>
      client.pump(
        8,
        () => [name, "answer"],
        () => isEnough,
      ),
    );
    for (let version = 2; version <= 8; version++) {
      write(name, `v${version}`, options);
      await gateway.command("spawn", `${gateway.folder}/${name}.ts`);
      for (const client of clients) {
        await eventually(
          () => client.call(name, "answer"),
          (seen) => seen?.result === `v${version}`,
          `version ${version} is what answers`,
        );
      }
    }
    isEnough = true;
    await within(Promise.all(pumps), "the load ends");
    for (const { tally } of clients) {
      assert.deepEqual([...tally.codes.keys()], ["ok"]);
      assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
    }
    t.diagnostic(`${name}: ${clients.map(({ tally }) => tally.sent).join(", ")} calls`);
  }
});

it("calls that the replaced module has begun, it ends", async (t) => {
  const gate = await Gate.open(t);
  const client = await PhoenixClient.join(t, gateway.url);
  write("slow_service", "old");
  await gateway.command("spawn", `${gateway.folder}/slow_service.ts`);
  const before = Array.from({ length: 5 }, (_, index) =>
    client.result("slow_service", "holds", { url: gate.url(`b${index}`) }),
  );
  await gate.holds(5);
  write("slow_service", "new");
  await gateway.command("spawn", `${gateway.folder}/slow_service.ts`);
  await eventually(
    () => client.result("slow_service", "answer"),
    (answer) => answer === "new",
    "the new module answers",
  );
  const later = client.result("slow_service", "holds", { url: gate.url("a") });
  await gate.holds(6);
  gate.release();
  assert.deepEqual(await Promise.all(before), ["b0 old", "b1 old", "b2 old", "b3 old", "b4 old"]);
  assert.equal(await later, "a new");
  await eventually(
    () => gateway.command<{ name: string | null }[]>("ps"),
    (actors) => !actors.some(({ name }) => name === "slow_service" || name === "slow_service-1"),
    "the replaced instances have ended",
  );
});

it("a module that does not load leaves what runs as it was", async (t) => {
  const client = await PhoenixClient.join(t, gateway.url);
  write("good_service", "good");
  await gateway.run("spawn", "./good_service.ts");
  gateway.write("good_service.ts", "export default {{{;\n");
  const { code, stdout, stderr } = await gateway.run("spawn", "./good_service.ts");
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^troupe: load_failed: .*good_service\.ts.*\n$/);
  assert.equal(await client.result("good_service", "answer"), "good");
});
