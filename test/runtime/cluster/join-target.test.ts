import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJoinTarget, selectNodeNames } from "../../../runtime/cluster/join-target.ts";

test("reads nodes and DNS names, with an alias and without", () => {
  const read = (text: string) => parseJoinTarget(text, "own");
  assert.deepEqual(read("Gateway@Host:9100"), { kind: "node", name: "gateway@host:9100" });
  const dns = { kind: "dns", host: "users.svc", port: 9_101 };
  assert.deepEqual(read("dns:users.svc:9101"), { ...dns, alias: "own" });
  assert.deepEqual(read("DNS:Users@users.svc:9101"), { ...dns, alias: "users" });
  const srv = { kind: "dns_srv", service: "_troupe._tcp.users.svc" };
  assert.deepEqual(read("dns+srv:_troupe._tcp.users.svc"), { ...srv, alias: "own" });
  assert.deepEqual(read("dns+srv:users@_troupe._tcp.users.svc"), { ...srv, alias: "users" });
});

test("refuses everything else", () => {
  const wrong = [
    ...["", "users", "users@host", "users@host:0", "@host:1", "users@host:1/x", "http://host:1"],
    ...["dns:", "dns:host", "dns:host:0", "dns:a b@host:1", "dns+srv:", "dns+srv:a..b"],
    ...["dns+srv:a@b@c", "dns+srv:a b"],
  ];
  for (const text of wrong) {
    assert.throws(
      () => parseJoinTarget(text, "own", "join[2]"),
      { name: "RangeError", message: /^join\[2\]: expected a node such as .*, received '/ },
      text,
    );
  }
});

test("makes names of places, each once, without what is no name", () => {
  const places = [
    { host: "10.0.0.2", port: 1 },
    { host: "10.0.0.1", port: 1 },
    { host: "10.0.0.2", port: 1 },
    { host: "Pod-0.users", port: 2 },
    { host: "not a host", port: 2 },
    { host: "zero", port: 0 },
  ];
  assert.deepEqual(selectNodeNames("users", places), [
    "users@10.0.0.1:1",
    "users@10.0.0.2:1",
    "users@pod-0.users:2",
  ]);
});
