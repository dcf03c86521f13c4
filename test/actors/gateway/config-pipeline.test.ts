import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { defaultClaimNames } from "../../../actors/channel/index.ts";
import { type GatewayConfig, readConfig } from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-config-")));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "hooks"));
mkdirSync(join(folder, "services"));
for (const name of ["hooks/a.ts", "services/s.ts", "f.json", "keys.json"]) {
  writeFileSync(join(folder, name), "");
}
const url = (name: string): string => pathToFileURL(join(folder, name)).href;
const secret = "0123456789abcdef0123456789abcdef";

let files = 0;
const path = (): string => join(folder, `config-${files}.ts`);

/** Reads a configuration file with that default export. */
function read(
  exported: string,
  environment: Record<string, string> = {},
  argv: readonly string[] = [],
): Promise<GatewayConfig> {
  files += 1;
  writeFileSync(path(), `export default ${exported};`);
  const flags = parseFlags(["--config", path(), ...argv], startFlags, []);
  return readConfig({ flags, environment, folder }, startFlags);
}

describe("the pipeline's configuration", () => {
  it("has limits, breaker and pools as the parts want them", async () => {
    const { rateLimits, breaker, pools } = await read(`{
      rateLimits: {
        fail_open: false,
        globalLimits: [{ key: "user_id", maxRequests: 10, windowMs: 1000 }],
        api_limits: [
          { service: "s", request_type: "t", key: "ip_address", max_requests: 2, window_ms: 50 },
        ],
      },
      breaker: { consecutiveFailures: 3 },
      pools: { async: { threads: 2 }, stream: { maxQueue: 5 } },
    }`);
    assert.equal(rateLimits.failOpen, false);
    assert.deepEqual(
      rateLimits.rules.map(({ id, maxRequests, windowMs }) => [id, maxRequests, windowMs]),
      [
        ["global:user_id", 10, 1_000],
        ["s/t:ip_address", 2, 50],
      ],
    );
    assert.deepEqual([breaker.consecutiveFailures, breaker.cooldownMs], [3, 5_000]);
    assert.deepEqual(pools, {
      async: { threads: 2, maxQueue: 10_000, resourceLimits: {} },
      stream: { threads: null, maxQueue: 5, resourceLimits: {} },
    });
  });

  it("resolves functions, telemetry and allowed modules from its own folder", async () => {
    const config = await read(`{
      functions: ["f.json"], telemetry: ["./hooks/a.ts"], allowModules: ["hooks", "services/s.ts"],
    }`);
    assert.deepEqual(config.functions, [join(folder, "f.json")]);
    assert.deepEqual(config.telemetry, [url("hooks/a.ts")]);
    assert.deepEqual(config.allowModules, [`${url("hooks")}/`, url("services/s.ts")]);
  });

  it("allows the folders of the services and of itself by default", async () => {
    const { allowModules } = await read(`{ services: ["services/s.ts"] }`);
    assert.deepEqual(allowModules, [`${url("services")}/`, `${url("").replace(/\/*$/, "")}/`]);
    assert.deepEqual((await read("{ allowModules: [] }")).allowModules, []);
  });

  it("has bounds, which null takes away, and loopback counts where one is given", async () => {
    const bounds = await read("{ maxConnections: null, maxConnectionsPerIp: 5 }");
    assert.deepEqual(
      [bounds.maxConnections, bounds.maxConnectionsPerIp, bounds.limitLoopback],
      [null, 5, true],
    );
    const { maxConnectionsPerIp, limitLoopback, maxFramesPerSecond } = await read(
      "{ maxFramesPerSecond: 100 }",
    );
    assert.deepEqual(
      [maxConnectionsPerIp, limitLoopback, maxFramesPerSecond],
      [10_000, false, 100],
    );
  });

  it("has origins, administrators' actions and a push token", async () => {
    const config = await read(
      `{
        allowedOrigins: ["https://*.example.com"],
        adminActions: ["push_config", "enable_tracing"],
        pushToken: { env: "PUSH" },
      }`,
      { PUSH: "p4ss" },
    );
    assert.deepEqual(config.allowedOrigins, ["https://*.example.com"]);
    assert.deepEqual(config.adminActions, ["push_config", "enable_tracing"]);
    assert.equal(config.pushToken, "p4ss");
    assert.equal((await read(`{ allowedOrigins: "*" }`)).allowedOrigins, "*");
    assert.equal((await read(`{ pushToken: "x" }`)).pushToken, "x");
  });

  it("takes a key that is undefined for one that is left out", async () => {
    assert.equal((await read("{ port: undefined, auth: undefined }")).port, 4_000);
  });
});

describe("auth.jwt", () => {
  it("has a secret, of the environment if so told", async () => {
    const jwt = `jwt: { secret: { env: "JWT" }, algorithms: ["HS256"] }`;
    const { auth } = await read(`{ auth: { ${jwt} } }`, { JWT: secret });
    assert.deepEqual(auth.jwt, {
      ...{ secret, jwksUrl: null, jwksFile: null, algorithms: ["HS256"] },
      ...{ issuer: null, audience: null, clockSkewSeconds: 5, claims: defaultClaimNames },
    });
  });

  it("has keys of a server or a file", async () => {
    const remote = await read(`{ auth: { jwt: {
      jwksUrl: "https://id.example/jwks", algorithms: ["ES256", "EdDSA"], issuer: "i",
      audience: ["a", "b"], clockSkewSeconds: 0, claims: { userRoles: "realm_access.roles" },
    } } }`);
    assert.deepEqual(remote.auth.jwt, {
      ...{ secret: null, jwksUrl: "https://id.example/jwks", jwksFile: null },
      ...{ algorithms: ["ES256", "EdDSA"], issuer: "i", audience: ["a", "b"], clockSkewSeconds: 0 },
      claims: { ...defaultClaimNames, userRoles: "realm_access.roles" },
    });
    const local = await read(`{ auth: { jwt: { jwksFile: "keys.json", algorithms: ["RS256"] } } }`);
    assert.equal(local.auth.jwt?.jwksFile, join(folder, "keys.json"));
  });

  it("takes the place of the demo's believing in the query", async () => {
    const jwt = `jwt: { secret: "${secret}", algorithms: ["HS256"] }`;
    assert.equal((await read(`{ auth: { ${jwt} } }`, {}, ["--demo"])).connect, null);
    assert.equal((await read("{}", {}, ["--demo"])).connect?.function, "connect");
  });
});

const public_ = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519";

describe("a configuration of the pipeline that is wrong", () => {
  for (const [exported, fault] of [
    ["{ allowedOrigins: 5 }", 'allowedOrigins: expected "*" or a list of origins, received 5'],
    [
      `{ allowedOrigins: ["https://a.b", "a.b"] }`,
      'allowedOrigins[1]: expected an origin such as "https://app.example.com" or "https://*.example.com", received "a.b"',
    ],
    [
      "{ maxConnections: 0 }",
      "maxConnections: expected a whole number from 1 to 10000000, or null, received 0",
    ],
    [
      `{ maxConnectionsPerIp: "5" }`,
      'maxConnectionsPerIp: expected a whole number from 1 to 10000000, or null, received "5"',
    ],
    [
      "{ maxFramesPerSecond: 1.5 }",
      "maxFramesPerSecond: expected a whole number from 1 to 1000000, or null, received 1.5",
    ],
    [
      `{ adminActions: ["push_config", "push"] }`,
      'adminActions[1]: expected one of push_config, update_rate_limit_config, change_detail_error, enable_tracing, disable_tracing, received "push"',
    ],
    [
      "{ pushToken: 1234567 }",
      "pushToken: expected a string, or { env } with the name of a variable, received a value of type number",
    ],
    [
      `{ pushToken: { env: "NO" } }`,
      "pushToken: expected the variable NO to hold it, received nothing",
    ],
    [
      `{ functions: ["no.json"] }`,
      `functions[0]: expected a JSON file of functions, no file at ${join(folder, "no.json")}`,
    ],
    [
      `{ allowModules: ["no"] }`,
      `allowModules[0]: expected a folder or module, no file at ${join(folder, "no")}`,
    ],
    [
      `{ telemetry: ["no.ts"] }`,
      `telemetry[0]: expected a module, no file at ${join(folder, "no.ts")}`,
    ],
    [
      "{ pools: { async: { threads: 0 } } }",
      "pools.async.threads: expected a whole number from 1 to 1024, received 0",
    ],
    ["{ pools: { sync: {} } }", 'pools: unknown key "sync": expected one of async, stream'],
    [
      "{ breaker: { failureRate: 2 } }",
      "breaker.failureRate: expected a number above 0, at most 1, received 2",
    ],
    [
      "{ rateLimits: { globalLimits: [{ maxRequests: 1, windowMs: 1 }] } }",
      "rateLimits.globalLimits[0].key: expected a non-empty string of at most 256 bytes, received nothing",
    ],
    [
      "{ auth: { jwt: { algorithms: [] } } }",
      "auth.jwt.algorithms: expected a list of at least one algorithm, received []",
    ],
    [
      "{ auth: { jwt: {} } }",
      "auth.jwt.algorithms: expected a list of at least one algorithm, received nothing",
    ],
    [
      `{ auth: { jwt: { algorithms: ["HS256"] } } }`,
      "auth.jwt: expected one of secret, jwksUrl, jwksFile, received none",
    ],
    [
      `{ auth: { jwt: { secret: "${secret}", jwksFile: "keys.json", algorithms: ["HS256"] } } }`,
      "auth.jwt: expected one of secret, jwksUrl, jwksFile, received secret and jwksFile",
    ],
    [
      `{ auth: { jwt: { secret: "${secret}", algorithms: ["none"] } } }`,
      'auth.jwt.algorithms: expected with secret only HS256, HS384, HS512, received "none"',
    ],
    [
      `{ auth: { jwt: { secret: "${secret}", algorithms: ["HS256", "RS256"] } } }`,
      'auth.jwt.algorithms: expected with secret only HS256, HS384, HS512, received "RS256"',
    ],
    [
      `{ auth: { jwt: { jwksFile: "keys.json", algorithms: ["HS256"] } } }`,
      `auth.jwt.algorithms: expected with jwksFile only ${public_}, received "HS256"`,
    ],
    [
      `{ auth: { jwt: { secret: "s3cr3t", algorithms: ["HS256"] } } }`,
      "auth.jwt.secret: expected at least 32 bytes for HS256, received 6",
    ],
    [
      `{ auth: { jwt: { secret: "${secret}", algorithms: ["HS256", "HS512"] } } }`,
      "auth.jwt.secret: expected at least 64 bytes for HS256, HS512, received 32",
    ],
    [
      `{ auth: { jwt: { secret: { env: "NO" }, algorithms: ["HS256"] } } }`,
      "auth.jwt.secret: expected the variable NO to hold it, received nothing",
    ],
    [
      `{ auth: { jwt: { secret: { evn: "s3cr3t" }, algorithms: ["HS256"] } } }`,
      "auth.jwt.secret: expected a string, or { env } with the name of a variable, received a value of type object",
    ],
    [
      `{ auth: { jwt: { jwksUrl: "ftp://x", algorithms: ["ES256"] } } }`,
      'auth.jwt.jwksUrl: expected a URL that begins with https:// or http://, received "ftp://x"',
    ],
    [
      `{ auth: { jwt: { jwksFile: "no.json", algorithms: ["ES256"] } } }`,
      `auth.jwt.jwksFile: expected a JWKS, no file at ${join(folder, "no.json")}`,
    ],
    [
      `{ auth: { jwt: { jwksFile: "keys.json", algorithms: ["ES256"], audience: [] } } }`,
      "auth.jwt.audience: expected an audience, or a list of them, received []",
    ],
    [`{ auth: { basic: {} } }`, 'auth: unknown key "basic": expected one of jwt'],
  ] as const) {
    it(`says of ${exported.replaceAll(/\s+/g, " ").slice(0, 100)}: ${fault}`, async () => {
      await assert.rejects(read(exported), (error: Error) => {
        assert.equal(error.name, "ConfigError");
        assert.equal(error.message, `${path()}: ${fault}`);
        assert.ok(!error.message.includes("s3cr3t"));
        return true;
      });
    });
  }
});
