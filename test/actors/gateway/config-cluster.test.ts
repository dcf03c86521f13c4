import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import {
  type GatewayConfig,
  readConfig,
  readSocketPath,
  selectSocketPath,
} from "../../../actors/gateway/config.ts";
import { clientFlags, parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-cluster-config-")));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "modules"));
for (const name of ["a.ts", "key.pem", "cert.pem", "ca.pem"]) writeFileSync(join(folder, name), "");

let files = 0;

function file(source: string): string {
  const path = join(folder, `config-${++files}.ts`);
  writeFileSync(path, source);
  return path;
}

function read(argv: string[], environment: Record<string, string> = {}): Promise<GatewayConfig> {
  return readConfig({ flags: parseFlags(argv, startFlags, []), environment, folder }, startFlags);
}

const url = (name: string): string => pathToFileURL(join(folder, name)).href;

describe("the cluster of a configuration", () => {
  it("is what the flags say", async () => {
    const { name, role, cluster, healthPort } = await read([
      ...["--role", "service", "--name", "users@127.0.0.1:9101"],
      ...["--join", "gateway@127.0.0.1:9100", "--join", "dns:gateways:9100"],
    ]);
    assert.deepEqual([name, role, healthPort], ["users@127.0.0.1:9101", "service", null]);
    assert.deepEqual(cluster, {
      ...{ name: "users@127.0.0.1:9101", cookie: null, roles: ["service"], spawnModules: [] },
      join: ["gateway@127.0.0.1:9100", "dns:gateways:9100"],
    });
  });

  it("is none for a name without an address", async () => {
    const { name, role, cluster } = await read(["--name", "edge"], { TROUPE_COOKIE: "secret" });
    assert.deepEqual([name, role, cluster], ["edge", "gateway", null]);
  });

  it("makes a name of --listen, which a node need not be reached at", async () => {
    assert.equal((await read(["--listen", "127.0.0.1:9100"])).name, "troupe@127.0.0.1:9100");
    const { name, cluster } = await read(["--name", "edge", "--listen", "[::1]:9100"]);
    assert.deepEqual([name, cluster?.listen], ["edge@[::1]:9100", { host: "::1", port: 9_100 }]);
    const behind = await read(["--name", "edge@10.0.0.1:9100", "--listen", "0.0.0.0:9200"], {
      TROUPE_COOKIE: "secret",
    });
    assert.equal(behind.name, "edge@10.0.0.1:9100");
    assert.deepEqual(behind.cluster?.listen, { host: "0.0.0.0", port: 9_200 });
  });

  it("has the keys of the file, with paths from its folder, and the cookie of the environment", async () => {
    const path = file(`export default {
      role: "service", name: "users@10.0.0.7:9101", join: ["users@10.0.0.7:9101", "a@10.0.0.1:1"],
      cluster: {
        name: "shop", cookie: { env: "SECRET" }, roles: ["gpu"], heartbeatMs: 100, suspicionMs: 900,
        tls: { key: "key.pem", cert: "./cert.pem", ca: "-----BEGIN CERTIFICATE-----" },
        spawnModules: ["modules", "a.ts"],
      },
      pull: { intervalMs: 5000, nodes: { role: "gpu" } },
    };`);
    const { cluster, pull } = await read(["--config", path], { SECRET: "of the variable" });
    assert.deepEqual(cluster, {
      ...{ name: "users@10.0.0.7:9101", cluster: "shop", cookie: "of the variable" },
      ...{ roles: ["service", "gpu"], join: ["a@10.0.0.1:1"], heartbeatMs: 100, suspicionMs: 900 },
      tls: {
        ...{ key: join(folder, "key.pem"), cert: join(folder, "cert.pem") },
        ca: "-----BEGIN CERTIFICATE-----",
      },
      spawnModules: [`${url("modules")}/`, url("a.ts")],
    });
    assert.deepEqual(pull, { intervalMs: 5_000, nodes: { role: "gpu" } });
    const own = { SECRET: "", TROUPE_COOKIE: "the node's own" };
    assert.equal((await read(["--config", path], own)).cluster?.cookie, "the node's own");
  });

  it("answers for its health where a service node is told a port", async () => {
    const argv = ["--role", "service", "--name", "users@127.0.0.1:9101"];
    assert.equal((await read([...argv, "--port", "4001"])).healthPort, 4_001);
    assert.equal((await read(["--port", "4001"])).healthPort, null);
  });

  const node = ["--name", "g@127.0.0.1:9100"];
  const reach = "the address at which other nodes reach it, such as";
  for (const [argv, message] of [
    [
      ["--role", "service"],
      `--name: with --role service expected ${reach} users@127.0.0.1:9101, received "troupe"`,
    ],
    [
      ["--join", "a@127.0.0.1:1"],
      `--name: with --join expected ${reach} troupe@127.0.0.1:9100, received "troupe"`,
    ],
    [
      ["--listen", "0.0.0.0:9100"],
      `--name: expected ${reach} troupe@10.0.0.7:9100, received "troupe"`,
    ],
    [["--role", "boss"], '--role: expected gateway or service, received "boss"'],
    [
      ["--listen", "x"],
      '--listen: expected an address such as 10.0.0.7:9100 or [::1]:9100, received "x"',
    ],
    [
      ["--name", "a.b@127.0.0.1:1"],
      '--name: expected letters, digits, dashes or underscores, and an address, such as gateway@10.0.0.1:9100, received "a.b@127.0.0.1:1"',
    ],
    [
      [...node, "--join", "nope"],
      "--join: expected a node such as gateway@10.0.0.1:9100, dns:[ALIAS@]HOST:PORT or dns+srv:[ALIAS@]NAME, received 'nope'",
    ],
    [
      ["--name", "g@10.0.0.1:9100"],
      "cluster.cookie: expected a secret for a node that listens on 10.0.0.1:9100, received none; without one a node listens on 127.0.0.1, ::1 or localhost only (TROUPE_COOKIE sets one)",
    ],
  ] as const) {
    it(`says ${message}`, async () => {
      await assert.rejects(async () => read([...argv]), { name: "ConfigError", message });
    });
  }

  for (const [source, fault] of [
    ['cluster: { colour: "red" }', 'cluster: unknown key "colour": expected one of name, cookie, '],
    [
      'cluster: { tls: { key: "no.pem", cert: "cert.pem", ca: "ca.pem" } }',
      `cluster.tls.key: expected a PEM file, no file at ${join(folder, "no.pem")}`,
    ],
    [
      "cluster: { heartbeatMs: 1000, suspicionMs: 1500 }",
      "cluster.suspicionMs: expected a whole number from 2000 to ",
    ],
    [
      'cluster: { spawnModules: ["no.ts"] }',
      `cluster.spawnModules[0]: expected a folder or module, no file at ${join(folder, "no.ts")}`,
    ],
    ['cluster: { cookie: { env: "NONE" } }', "cluster.cookie: expected the variable NONE to "],
    ["join: [1]", "join[0]: expected a node such as gateway@10.0.0.1:9100, "],
    ["pull: { intervalMs: 1 }", "pull.intervalMs: expected a whole number of ms from 1000 to "],
  ] as const) {
    it(`says of ${source}: ${fault}`, async () => {
      const path = file(`export default { name: "g@127.0.0.1:9100", ${source} };`);
      await assert.rejects(read(["--config", path]), (error: Error) => {
        assert.equal(error.name, "ConfigError");
        assert.ok(error.message.startsWith(`${path}: ${fault}`), error.message);
        return true;
      });
    });
  }
});

describe("the path of the operators' socket of a service node", () => {
  const of = (environment: Record<string, string>, ...argv: string[]): Promise<string> =>
    readSocketPath({ flags: parseFlags(argv, clientFlags, []), environment, folder }, clientFlags);

  it("goes by its address, unless it has a port", async () => {
    const node = { TROUPE_ROLE: "service", TROUPE_NAME: "users@127.0.0.1:9101" };
    assert.equal(await of(node), selectSocketPath({}, 9_101));
    assert.equal(await of({ ...node, TROUPE_PORT: "5" }), selectSocketPath({}, 5));
    assert.equal(await of({}, "--port", "9101"), selectSocketPath({}, 9_101));
    const path = file('export default { role: "service", listen: "127.0.0.1:9102" };');
    assert.equal(await of({}, "--config", path), selectSocketPath({}, 9_102));
    assert.equal(await of({ TROUPE_NAME: "g@127.0.0.1:9100" }), selectSocketPath({}, 4_000));
  });
});
