import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type GatewayConfig, readConfig } from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-config-")));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "sub"));

let files = 0;
const path = (): string => join(folder, "sub", `config-${files}.ts`);

/** Reads a configuration file with that default export. */
function read(
  exported: string,
  argv: readonly string[] = [],
  environment: Record<string, string> = {},
): Promise<GatewayConfig> {
  files += 1;
  writeFileSync(path(), `export default ${exported};`);
  const flags = parseFlags(["--config", path(), ...argv], startFlags, []);
  return readConfig({ flags, environment, folder }, startFlags);
}

/** @returns the whole message. */
async function refusal(exported: string): Promise<string> {
  const { message } = await read(exported).then(
    () => assert.fail("it was taken"),
    (error: Error) => error,
  );
  assert.ok(message.startsWith(`${path()}: `), message);
  return message.slice(path().length + 2);
}

describe("the configuration of relay groups", () => {
  it("is off unless it is asked for, or the demo has it", async () => {
    assert.equal((await read("{}")).relay, null);
    assert.equal((await read("{ relay: false }")).relay, null);
    assert.equal((await read("{ relay: true }")).relay?.maxMembers, 10_000);
    const demo = await read("{}", ["--demo"]);
    assert.equal(demo.relay?.storage, null);
    assert.deepEqual(
      demo.channels.map(({ topic, event, group }) => ({ topic, event, group })),
      [
        { topic: "api:*", event: "api", group: null },
        { topic: "chat:*", event: "api", group: { create: "public", durable: false } },
      ],
    );
    assert.equal((await read("{ relay: { maxMembers: 7 } }", ["--demo"])).relay?.maxMembers, 7);
  });

  it("means the path of the storage from the folder of the file", async () => {
    const { relay } = await read('{ relay: { storage: { path: "./relay.db", sync: "full" } } }');
    assert.equal(relay?.storage?.path, join(folder, "sub", "relay.db"));
    assert.equal(relay?.storage?.sync, "full");
  });

  it("takes the path of the storage from a flag or variable, too, where there are groups", async () => {
    const variable = { TROUPE_RELAY_STORAGE: "var.db" };
    const own = { path: join(folder, "var.db"), flushMs: 100, sync: "interval" };
    assert.partialDeepStrictEqual(
      (await read("{ relay: true }", [], variable)).relay?.storage,
      own,
    );
    const flag = await read("{ relay: true }", ["--relay-storage", "flag.db"], variable);
    assert.equal(flag.relay?.storage?.path, join(folder, "flag.db"));
    const both = '{ relay: { maxMembers: 7, storage: { path: "f.db", sync: "full" } } }';
    const { relay } = await read(both, [], variable);
    assert.partialDeepStrictEqual(relay, { maxMembers: 7, storage: { ...own, sync: "full" } });
    const named = await read('{ relay: true, relayStorage: "own.db" }');
    assert.equal(named.relay?.storage?.path, join(folder, "sub", "own.db"));
    assert.equal((await read("{}", [], variable)).relay, null);
    assert.equal((await read("{ relay: false }", [], variable)).relay, null);
    assert.equal((await read("{ relay: false }", ["--demo"], variable)).relay, null);
  });

  it("tells all that is wrong with it in one line", async () => {
    assert.equal(
      await refusal('{ relay: { maxMembers: 0, slowMember: "x" } }'),
      'relay.maxMembers: expected a whole number from 1 to 1000000, received 0; relay.slowMember: expected one of "skip", "disconnect", received "x"',
    );
  });

  it("has to be there for a channel of groups, and a storage for one of durable ones", async () => {
    const channels = (group: string): string =>
      `channels: [{ topic: "api:*" }, { topic: "chat:*", group: ${group} }]`;
    assert.equal(
      await refusal(`{ ${channels("true")} }`),
      'channels[1].group: expected none for "chat:*", because relay is not configured',
    );
    assert.equal(
      await refusal(`{ relay: true, ${channels('{ create: "public", durable: true }')} }`),
      'channels[1].group.durable: expected false for "chat:*", because relay.storage is not configured',
    );
    const storage = 'relay: { storage: { path: "r.db" } }';
    const { channels: read_ } = await read(`{ ${storage}, ${channels("{ durable: true }")} }`);
    assert.deepEqual(read_[1]?.group, { create: null, durable: true });
  });

  it("can be taken away from the demo, with the channel that needs it", async () => {
    const { relay, channels } = await read("{ relay: false }", ["--demo"]);
    assert.equal(relay, null);
    assert.deepEqual(
      channels.map(({ topic }) => topic),
      ["api:*"],
    );
  });
});
