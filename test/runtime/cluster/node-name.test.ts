import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  formatNodeName,
  isLoopback,
  isNodeName,
  parseHostPort,
  parseNodeName,
} from "../../../runtime/cluster/index.ts";

describe("the name of a node", () => {
  it("says where the node listens", () => {
    assert.deepEqual(parseNodeName("users@127.0.0.1:9101"), {
      ...{ name: "users@127.0.0.1:9101", alias: "users", host: "127.0.0.1", port: 9101 },
    });
    assert.deepEqual(parseNodeName("gateway-2@pod_1.svc.local:9100").host, "pod_1.svc.local");
  });

  it("has one spelling", () => {
    assert.equal(parseNodeName("Users@Host.Example:09101").name, "users@host.example:9101");
    assert.equal(parseNodeName("users@[0:0::0:1]:9101").name, "users@[::1]:9101");
    assert.equal(parseNodeName("users@[0:0::0:1]:9101").host, "::1");
    assert.equal(parseNodeName("users@[::FFFF:127.0.0.1]:1").name, "users@[::ffff:7f00:1]:1");
  });

  for (const text of [
    ..."@ users users@ @host:1 users@host users@host: users@:1 users@host:65536".split(" "),
    ..."users@host:1e3 users@host:-1 a@b@c:1 us.ers@host:1 users@1.2.3:1 users@256.0.0.1:1".split(
      " ",
    ),
    ..."users@::1:1 users@[::1:1 users@[::g]:1 users@[fe80::1%eth0]:1 users@-host:1".split(" "),
    ..."users@ho/st:1 users@host..a:1 users@host:1/ users@[1.2.3.4]:1".split(" "),
    ...["", "us ers@host:1", `${"a".repeat(65)}@host:1`, `a@${"b".repeat(64)}:1`, "users@host:1\n"],
    `a@${"b.".repeat(127)}b:1`,
  ]) {
    it(`is not ${JSON.stringify(text.slice(0, 40))}`, () => {
      assert.throws(() => parseNodeName(text, "join"), {
        name: "RangeError",
        message: `join: expected alias@host:port, received ${JSON.stringify(text)}`,
      });
      assert.equal(isNodeName(text), false);
    });
  }

  it("survives being written and read", () => {
    const alias = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
    fc.assert(
      fc.property(alias, host, fc.integer({ min: 1, max: 65_535 }), (anAlias, aHost, port) => {
        const read = parseNodeName(formatNodeName(anAlias, aHost, port));
        assert.equal(read.alias, anAlias.toLowerCase());
        assert.equal(read.port, port);
        assert.ok(isNodeName(read.name));
        assert.deepEqual(parseNodeName(read.name), read);
      }),
    );
  });

  it("never crashes the reader", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ unit: "binary" }), (value, text) => {
        assert.equal(isNodeName(value), false);
        if (isNodeName(text)) assert.equal(parseNodeName(text).name, text);
      }),
    );
  });

  it("takes port 0 for a node that has yet to choose one, which is no name to be known by", () => {
    assert.equal(parseNodeName("users@host:0").port, 0);
    assert.equal(isNodeName("users@host:0"), false);
    assert.equal(isNodeName("Users@host:1"), false);
  });
});

describe("a place to listen", () => {
  it("is a host and a port", () => {
    assert.deepEqual(parseHostPort("0.0.0.0:9101"), { host: "0.0.0.0", port: 9101 });
    assert.deepEqual(parseHostPort("[::]:0"), { host: "::", port: 0 });
    assert.throws(() => parseHostPort("9101"), /^RangeError: listen: expected host:port/);
  });

  it("is on this machine alone where it is a loopback address", () => {
    for (const host of ["localhost", "127.0.0.1", "127.9.9.9", "::1"]) assert.ok(isLoopback(host));
    for (const host of ["0.0.0.0", "::", "10.0.0.1", "127.example.org", "localhost.example.org"]) {
      assert.ok(!isLoopback(host), host);
    }
  });
});
