import assert from "node:assert/strict";
import { test } from "node:test";
import { selectKey } from "../../../actors/replicas/selection-key.ts";

const info = { requestId: "r", userId: "alice", userRoles: [], deviceId: "phone" };

function keyOf(name: string, args: Record<string, unknown>): string | null {
  const request = { requestId: "r", requestType: "f", service: "s", version: null, deviceId: null };
  return selectKey({ ...request, args }, info, name);
}

test("a key is the argument, else what is known of the caller", () => {
  assert.equal(keyOf("id", { id: "7" }), "7");
  assert.equal(keyOf("id", { id: 7 }), "7");
  assert.equal(keyOf("id", { id: false }), "false");
  assert.equal(keyOf("id", { id: [1, { a: 2 }] }), '[1,{"a":2}]');
  assert.equal(keyOf("id", { id: "" }), "");
  assert.equal(keyOf("user_id", { user_id: "bob" }), "bob");
  assert.equal(keyOf("user_id", {}), "alice");
  assert.equal(keyOf("user_id", { user_id: null }), "alice");
  assert.equal(keyOf("device_id", {}), "phone");
});

test("there is none where nothing tells it, and nothing odd breaks it", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.equal(keyOf("id", {}), null);
  assert.equal(keyOf("id", { id: null }), null);
  assert.equal(keyOf("id", { id: cycle }), null);
  assert.equal(keyOf("id", { id: 10n }), "10");
  assert.equal(keyOf("toString", {}), null);
  assert.equal(keyOf("__proto__", {}), null);
});
