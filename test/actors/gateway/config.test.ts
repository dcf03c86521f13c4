import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { breakerDefaults } from "../../../actors/breaker/index.ts";
import {
  defaultGatewayConfig,
  type GatewayConfig,
  readConfig,
  readSocketPath,
  selectSocketPath,
} from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-config-")));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "sub"));
for (const name of ["a.ts", "b.ts", "sub/c.ts"]) writeFileSync(join(folder, name), "");

let files = 0;

/** Writes a configuration and gives its path: modules are cached, so each has a name of its own. */
function file(source: string, where = "."): string {
  const path = join(folder, where, `config-${++files}.ts`);
  writeFileSync(path, source);
  return path;
}

function read(argv: string[], environment: Record<string, string> = {}): Promise<GatewayConfig> {
  const flags = parseFlags(argv, startFlags, []);
  return readConfig({ flags, environment, folder }, startFlags);
}

const url = (name: string): string => pathToFileURL(join(folder, name)).href;

describe("a configuration", () => {
  it("has the defaults of the contract", async () => {
    const config = await read([]);
    assert.deepEqual(config, {
      ...{ host: "127.0.0.1", port: 4_000, name: "troupe", services: [], connect: null },
      channels: [
        {
          ...{ topic: "api:*", event: "phoenix_gen_api", requireVerifiedUserId: true },
          ...{ overrideUserId: true, ordered: false, maxInFlight: 64, group: null },
        },
      ],
      ...{ detailError: false, maxFrameBytes: 1_048_576, idleTimeoutMs: 60_000 },
      ...{ maxChannels: 100, drainMs: 15_000, replSocket: null, prompt: true, threads: null },
      ...{ demo: false, file: null, functions: [], telemetry: [], allowModules: [] },
      ...{ allowedOrigins: null, maxConnections: 100_000, maxConnectionsPerIp: 10_000 },
      ...{ limitLoopback: false, connectionMemory: null, maxFramesPerSecond: null },
      ...{ auth: { jwt: null }, adminActions: [], pushToken: null },
      ...{ role: "gateway", cluster: null, pull: {}, healthPort: null },
      rateLimits: { enabled: true, failOpen: true, rules: [], redis: null },
      relay: null,
      breaker: breakerDefaults,
      pools: {
        async: { threads: null, maxQueue: 10_000, resourceLimits: {} },
        stream: { threads: null, maxQueue: 10_000, resourceLimits: {} },
      },
    });
    assert.deepEqual(config, defaultGatewayConfig);
  });

  it("takes the flag over the variable over the file", async () => {
    const path = file('export default { port: 1, host: "file", name: "file" };');
    const config = await read(["--config", path, "--port", "3"], {
      TROUPE_PORT: "2",
      TROUPE_HOST: "variable",
    });
    assert.deepEqual([config.port, config.host, config.name], [3, "variable", "file"]);
    assert.equal(config.file, path);
  });

  it("takes each list whole from the first that has one", async () => {
    const path = file('export default { services: ["./a.ts"] };');
    const variables = { TROUPE_SERVICE: "a.ts,b.ts" };
    const flags = ["--config", path, "--service", "sub/c.ts"];
    assert.deepEqual((await read(flags, variables)).services, [url("sub/c.ts")]);
    assert.deepEqual((await read([], variables)).services, [url("a.ts"), url("b.ts")]);
    assert.deepEqual((await read(flags.slice(0, 2))).services, [url("a.ts")]);
  });

  it("means the paths in a file from the file, others from the working folder", async () => {
    const source = 'export default { services: ["./c.ts"], connect: { module: "../a.ts" } };';
    const config = await read(["--config", file(source, "sub"), "--socket", "x.sock"]);
    assert.deepEqual(config.services, [url("sub/c.ts")]);
    assert.deepEqual(config.connect, { module: url("a.ts"), function: "connect" });
    assert.equal(config.replSocket, join(folder, "x.sock"));
  });

  it("finds troupe.config.ts in the working folder by itself", async () => {
    const own = realpathSync(mkdtempSync(join(folder, "own-")));
    const flags = parseFlags([], startFlags, []);
    const sources = { flags, environment: {}, folder: own };
    mkdirSync(join(own, "config"));
    writeFileSync(join(own, "config", "troupe.config.ts"), "export default { port: 8 };");
    assert.equal((await readConfig(sources, startFlags)).port, 8);
    writeFileSync(join(own, "troupe.config.ts"), "export default { port: 7 };");
    assert.equal((await readConfig(sources, startFlags)).port, 7);
  });

  it("adds what the demo has to what is configured", async () => {
    const demo = await read(["--demo", "--service", "a.ts"]);
    const { services, functions, connect, channels, rateLimits } = demo;
    const names = services.map((service) => service.replace(/^.*\//, ""));
    assert.deepEqual(names.slice(0, 3), ["user-service.ts", "echo-service.ts", "math-service.ts"]);
    assert.equal(names.at(-1), "a.ts");
    assert.deepEqual(functions, [fileURLToPath(new URL("functions.json", services[0]))]);
    assert.deepEqual(
      rateLimits.rules.map(({ id }) => id),
      ["notes_service/add:user_id"],
    );
    assert.equal(connect?.function, "connect");
    assert.deepEqual([channels[0]?.topic, channels[0]?.event], ["api:*", "api"]);
    const own = await read([
      "--demo",
      "--config",
      file('export default { channels: [{ topic: "x" }], rateLimits: {} };'),
    ]);
    assert.deepEqual(own.rateLimits.rules, []);
    assert.deepEqual([own.channels[0]?.topic, own.channels[0]?.event], ["x", "phoenix_gen_api"]);
  });

  it("says of each channel whether joining it joins a group, and what for one", async () => {
    const channels = `[
      { topic: "a:*", group: true },
      { topic: "b:*", group: {} },
      { topic: "c:room", group: { create: "private", durable: true } },
      { topic: "d*", group: { create: null } },
      { topic: "e" },
    ]`;
    const relay = '{ storage: { path: "relay.db" } }';
    const source = `export default { relay: ${relay}, channels: ${channels} };`;
    const config = await read(["--config", file(source)]);
    assert.deepEqual(
      config.channels.map(({ group }) => group),
      [
        { create: null, durable: false },
        { create: null, durable: false },
        { create: "private", durable: true },
        { create: null, durable: false },
        null,
      ],
    );
    assert.equal(config.channels[2]?.event, "phoenix_gen_api");
  });

  it("takes an empty variable for none", async () => {
    assert.equal((await read([], { TROUPE_PORT: "" })).port, 4_000);
  });

  for (const [variable, demo] of [
    ["1", true],
    ["true", true],
    ["0", false],
    ["no", false],
  ] as const) {
    it(`understands TROUPE_DEMO=${variable}`, async () => {
      assert.equal((await read([], { TROUPE_DEMO: variable })).demo, demo);
    });
  }
});

describe("a configuration that is wrong", () => {
  for (const [argv, message] of [
    [["--port", "x"], '--port: expected a whole number from 0 to 65535, received "x"'],
    [["--port", "65536"], "--port: expected a whole number from 0 to 65535, received 65536"],
    [["--port", "-1"], '--port: expected a whole number from 0 to 65535, received "-1"'],
    [["--port="], '--port: expected a whole number from 0 to 65535, received ""'],
    [["--port"], "--port: expected a value, received nothing"],
    [["--host", "--demo"], "--host: expected a value, received nothing"],
    [["--demo=yes"], '--demo: expected no value, received "yes"'],
    [["--threads", "0"], "--threads: expected a whole number from 1 to 256, received 0"],
    [
      ["--name", "a b"],
      '--name: expected 1 to 64 letters, digits, dots, dashes or underscores, received "a b"',
    ],
    [
      ["--service", "no.ts"],
      `--service: expected a service module, no file at ${join(folder, "no.ts")}`,
    ],
    [
      ["--config", "no.ts"],
      `--config: expected a configuration, no file at ${join(folder, "no.ts")}`,
    ],
  ] as const) {
    it(`says ${message}`, async () => {
      await assert.rejects(async () => read([...argv]), { name: "ConfigError", message });
    });
  }

  for (const flag of ["--cookie", "-p", "--ports"]) {
    it(`does not know ${flag}`, async () => {
      await assert.rejects(
        async () => read([flag, "x"]),
        (error: Error) =>
          error.message.startsWith(`unknown flag ${flag}: expected one of --port --host `),
      );
    });
  }

  for (const [variable, value, message] of [
    ["TROUPE_PORT", "4k", 'TROUPE_PORT: expected a whole number from 0 to 65535, received "4k"'],
    ["TROUPE_DEMO", "maybe", 'TROUPE_DEMO: expected true or false, received "maybe"'],
    [
      "TROUPE_SERVICE",
      "a.ts,no.ts",
      `TROUPE_SERVICE: expected a service module, no file at ${join(folder, "no.ts")}`,
    ],
    [
      "TROUPE_CONFIG",
      "no.ts",
      `TROUPE_CONFIG: expected a configuration, no file at ${join(folder, "no.ts")}`,
    ],
  ] as const) {
    it(`says ${message}`, async () => {
      await assert.rejects(read([], { [variable]: value }), { name: "ConfigError", message });
    });
  }

  for (const [source, fault] of [
    ["export const port = 1;", "expected an object, received nothing"],
    ["export default 5;", "expected an object, received 5"],
    ["export default { prot: 1 };", 'unknown key "prot": expected one of port, host, name, '],
    [
      "export default { port: '1' };",
      'port: expected a whole number from 0 to 65535, received "1"',
    ],
    [
      "export default { channels: [] };",
      "channels: expected a list of at least one channel, received []",
    ],
    [
      "export default { channels: [{ topic: 'a' }, {}] };",
      'channels[1].topic: expected a topic such as "api:lobby", or a beginning of topics such as "api:*", received nothing',
    ],
    [
      "export default { channels: [{ topic: 'a*b' }] };",
      'channels[0].topic: expected a topic such as "api:lobby", or a beginning of topics such as "api:*", received "a*b"',
    ],
    [
      "export default { channels: [{ topic: 'a', evnt: 'b' }] };",
      'channels[0]: unknown key "evnt": expected one of topic, event, ',
    ],
    [
      "export default { channels: [{ topic: 'a' }, { topic: 'a' }] };",
      'channels: expected each topic once, received "a" twice',
    ],
    ...["false", "{ create: 'secret' }", "{ durable: 1 }", "{ kind: 'public' }"].map(
      (group) =>
        [
          `export default { channels: [{ topic: 'a:*', group: ${group} }] };`,
          "channels[0].group: expected true, or { create?: public, private, strict_private or null, durable?: true or false }, received ",
        ] as const,
    ),
    ...["a", "a:"].map(
      (topic) =>
        [
          `export default { channels: [{ topic: 'b' }, { topic: '${topic}', group: true }] };`,
          `channels[1].topic: expected a topic that names a group behind a colon, such as "chat:*", received "${topic}"`,
        ] as const,
    ),
    [
      "export default { connect: { module: './no.ts' } };",
      `connect.module: expected a module, no file at ${join(folder, "no.ts")}`,
    ],
    ["export default {", "cannot be loaded: "],
    ["throw new Error('one\\ntwo');", "cannot be loaded: one"],
  ] as const) {
    it(`says of ${source}: ${fault}`, async () => {
      const path = file(source);
      await assert.rejects(read(["--config", path]), (error: Error) => {
        assert.equal(error.name, "ConfigError");
        assert.ok(error.message.startsWith(`${path}: ${fault}`), error.message);
        assert.ok(!error.message.includes("\n"));
        return true;
      });
    });
  }
});

describe("the path of the operators' socket", () => {
  const of = (argv: string[], environment: Record<string, string> = {}): Promise<string> =>
    readSocketPath({ flags: parseFlags(argv, startFlags, []), environment, folder }, startFlags);

  it("is by user and port, in the user's runtime folder if there is one", async () => {
    const name = `troupe-${process.getuid?.()}-4000.sock`;
    assert.equal(selectSocketPath({}, 4_000), join(tmpdir(), name));
    assert.equal(selectSocketPath({ XDG_RUNTIME_DIR: "/run/me" }, 4_000), `/run/me/${name}`);
    assert.equal(await of([], { TROUPE_PORT: "5" }), selectSocketPath({}, 5));
  });

  it("is what flag, variable or file say", async () => {
    const path = file('export default { socket: "own.sock" };', "sub");
    assert.equal(await of(["--config", path]), join(folder, "sub", "own.sock"));
    assert.equal(
      await of(["--config", path], { TROUPE_SOCKET: "/from/variable" }),
      "/from/variable",
    );
    assert.equal(
      await of(["--socket", "flag.sock"], { TROUPE_SOCKET: "/v" }),
      join(folder, "flag.sock"),
    );
  });
});
