import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ClusterOptions,
  parseClusterOptions,
  parseRole,
} from "../../../runtime/cluster/cluster-config.ts";

const name = "users@127.0.0.1:9101";

function failure(options: object): { name: string; message: string } {
  try {
    parseClusterOptions({ name, ...options } as ClusterOptions);
  } catch (error) {
    assert.ok(error instanceof TypeError || error instanceof RangeError);
    return { name: error.name, message: error.message };
  }
  return assert.fail("nothing was thrown");
}

test("fills in what is left out, and crosses threads", () => {
  const config = parseClusterOptions({ name: "Users@LOCALHOST:9101" });
  assert.deepEqual(config, {
    name: "users@localhost:9101",
    listen: { host: "localhost", port: 9_101 },
    cluster: "troupe",
    cookie: null,
    roles: [],
    join: [],
    tls: null,
    heartbeatMs: 500,
    suspicionMs: 5_000,
    redialMaxMs: 2_500,
    maxBufferedBytes: 16_777_216,
    maxMessageBytes: 268_435_456,
    spawnModules: [],
  });
  assert.deepEqual(structuredClone(config), config);
});

test("takes what is given; undefined counts as left out", () => {
  const given = {
    name,
    listen: { host: "0.0.0.0" },
    cluster: "shop",
    cookie: "secret",
    roles: ["b", "a", "b"],
    join: ["gateway@10.0.0.1:9100", "dns:users:9101", "dns+srv:web@_troupe._tcp.web.svc"],
    tls: { key: "k.pem", cert: "c.pem", ca: "ca.pem" },
    heartbeatMs: 100,
    spawnModules: ["file:///srv/jobs/"],
  };
  const config = parseClusterOptions({ ...given, suspicionMs: undefined } as never);
  assert.deepEqual(config.listen, { host: "0.0.0.0", port: 9_101 });
  assert.deepEqual(config.roles, ["a", "b"]);
  assert.deepEqual(config.join, given.join);
  assert.deepEqual(config.tls, given.tls);
  assert.equal(config.suspicionMs, 5_000);
});

test("a node without a cookie listens on loopback only", () => {
  for (const host of ["127.0.0.1", "127.8.0.1", "localhost", "[::1]"]) {
    assert.equal(parseClusterOptions({ name: `users@${host}:9101` }).cookie, null);
  }
  const { message } = failure({ listen: { host: "0.0.0.0" } });
  assert.match(message, /^cookie: expected a secret .* 0\.0\.0\.0:9101, received none; .*127/);
  assert.match(failure({ name: "users@10.0.0.7:9101" }).message, /^cookie: /);
  parseClusterOptions({ name: "users@10.0.0.7:9101", listen: { host: "127.0.0.1" } });
});

test("says which key is wrong, what was expected and what came", () => {
  const cases: [object, string, RegExp][] = [
    [{ name: 7 }, "TypeError", /^name: expected a text, received 7$/],
    [{ name: "users" }, "RangeError", /^name: expected .* received "users"$/],
    [{ name: "users@h:0" }, "RangeError", /^name: expected .* port from 1/],
    [{ nmae: 1 }, "TypeError", /^cluster options: expected only the keys .* received 'nmae'$/],
    [{ listen: 9_101 }, "TypeError", /^listen: expected an object, received 9101$/],
    [{ listen: { port: 70_000 } }, "RangeError", /^listen\.port: expected .* received 70000$/],
    [{ listen: { host: "a b" } }, "RangeError", /^listen\.host: /],
    [{ cluster: "a b" }, "RangeError", /^cluster: expected .* received 'a b'$/],
    [{ roles: "a" }, "TypeError", /^roles: expected a list of texts, received 'a'$/],
    [{ roles: ["a", ""] }, "RangeError", /^roles\[1\]: expected .* received ''$/],
    [{ roles: Array.from({ length: 17 }, (_, i) => `r${i}`) }, "RangeError", /^roles: .* 16/],
    [{ join: ["nobody"] }, "RangeError", /^join\[0\]: expected a node such as .* 'nobody'$/],
    [{ join: [1] }, "TypeError", /^join\[0\]: expected a text, received 1$/],
    [{ tls: "x" }, "TypeError", /^tls: expected an object, received 'x'$/],
    [{ tls: { key: "k", cert: "c" } }, "TypeError", /^tls\.ca: expected PEM.* type undefined$/],
    [{ heartbeatMs: "1" }, "TypeError", /^heartbeatMs: expected a number, received '1'$/],
    [{ heartbeatMs: 1.5 }, "RangeError", /^heartbeatMs: expected a whole number from 10 /],
    [{ heartbeatMs: 3_000 }, "RangeError", /^suspicionMs: .* from 6000 .* received 5000$/],
    [{ maxBufferedBytes: 1 }, "RangeError", /^maxBufferedBytes: .* received 1$/],
    [{ maxMessageBytes: 2 ** 32 }, "RangeError", /^maxMessageBytes: /],
    [{ redialMaxMs: 0 }, "RangeError", /^redialMaxMs: /],
    [{ spawnModules: ["jobs"] }, "RangeError", /^spawnModules\[0\]: expected the URL .* 'jobs'$/],
  ];
  for (const [options, kind, message] of cases) {
    const thrown = failure(options);
    assert.match(thrown.message, message);
    assert.equal(thrown.name, kind, thrown.message);
  }
});

test("a secret is in no message", () => {
  const secrets = [{ cookie: 4_711 }, { cookie: { s: "4711" } }, { tls: { key: 4_711, cert: "" } }];
  for (const options of secrets) assert.doesNotMatch(failure(options).message, /4711/);
  assert.match(failure({ cookie: "" }).message, /^cookie: expected .* received an empty text$/);
});

test("a role is a word", () => {
  assert.equal(parseRole("service"), "service");
  assert.throws(() => parseRole("a b"), { name: "RangeError", message: /^role: .* 'a b'$/ });
});
