import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFields } from "../../../actors/channel/frame.ts";
import {
  checkGroupId,
  maxGroupIdBytes,
  maxMetaBytes,
  parseJoinPayload,
} from "../../../actors/relay/join-payload.ts";

function reason(payload: unknown): string {
  const outcome = parseJoinPayload(payload);
  return outcome.ok ? "none" : outcome.reason;
}

test("a join says what it wants, or nothing", () => {
  const nothing = { since: null, epoch: null, kind: null, meta: {} };
  assert.deepEqual(parseJoinPayload({}), { ok: true, options: nothing });
  const nulls = { since: null, epoch: null, type: null, meta: null, reply: "inline" };
  assert.deepEqual(parseJoinPayload(nulls), { ok: true, options: nothing });
  const all = { since: 0, epoch: "e", type: "strict_private", meta: { mood: ["good"] } };
  assert.deepEqual(parseJoinPayload(all), {
    ok: true,
    options: { since: 0, epoch: "e", kind: "strict_private", meta: { mood: ["good"] } },
  });
});

test("a fault names field, what was expected, what was received", () => {
  assert.equal(reason([]), "payload: expected an object, received []");
  for (const since of [-1, 1.5, "7", 2 ** 60, true]) {
    assert.match(reason({ since }), /^since: expected a whole number >= 0, received /);
  }
  assert.match(reason({ epoch: 7 }), /^epoch: expected a text of at most 128 .*received 7$/);
  assert.match(reason({ epoch: "e".repeat(129) }), /^epoch: /);
  assert.equal(
    reason({ type: "secret" }),
    'type: expected public or private or strict_private, received "secret"',
  );
  assert.equal(reason({ meta: [1] }), "meta: expected an object, received [1]");
});

test("what a client tells of itself is bounded, in bytes of its JSON", () => {
  const frame = JSON.stringify({ x: "" }).length;
  assert.equal(reason({ meta: { x: "a".repeat(maxMetaBytes - frame) } }), "none");
  const long = `meta: expected at most 1024 bytes of JSON, received ${maxMetaBytes + 1}`;
  assert.equal(reason({ meta: { x: "a".repeat(maxMetaBytes - frame + 1) } }), long);
  assert.match(reason({ meta: { x: "ä".repeat(maxMetaBytes / 2) } }), /^meta: /);
});

test("what a client tells of itself can travel between threads", () => {
  const hooks = { constructor: 1, toJSON: 1 };
  assert.match(reason({ meta: hooks }), /^meta: expected no field toJSON, received /);
  assert.match(reason({ meta: { deep: [{ toJSON: null }] } }), /^meta: expected no field toJSON/);
  assert.equal(reason({ meta: { constructor: 1, says: 'toJSON "toJSON":' } }), "none");
});

test("the name of a group is valid Unicode", () => {
  assert.match(checkGroupId("a\ud800") ?? "", /^group_id: expected valid Unicode/);
  assert.equal(checkGroupId("\u{1f600}\n\u0000"), null);
});

test("the name of a group is neither empty nor long, in bytes of UTF-8", () => {
  assert.equal(checkGroupId("g".repeat(maxGroupIdBytes)), null);
  assert.equal(checkGroupId("\u{1f600}".repeat(maxGroupIdBytes / 4)), null);
  assert.match(checkGroupId("") ?? "", /^group_id: expected 1 to 200 bytes of UTF-8, received 0/);
  assert.match(checkGroupId("g".repeat(maxGroupIdBytes + 1)) ?? "", /received 201/);
  assert.match(checkGroupId("ä".repeat(maxGroupIdBytes)) ?? "", /received 400/);
});

test("the longest name of a group fits into a topic, behind a prefix of 54 bytes and a colon", () => {
  const topic = `${"p".repeat(54)}:${"g".repeat(maxGroupIdBytes)}`;
  assert.ok(parseFields("1", "1", topic, "phx_join", {}).ok);
  assert.ok(!parseFields("1", "1", `p${topic}`, "phx_join", {}).ok);
});
