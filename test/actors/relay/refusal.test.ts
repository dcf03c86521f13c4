import assert from "node:assert/strict";
import { test } from "node:test";
import { RELAY_TEXTS, type RelayCode, refuseRelay } from "../../../actors/relay/refusal.ts";

test("each code has a text of its own, and a refusal is plain data", () => {
  const codes = Object.keys(RELAY_TEXTS) as RelayCode[];
  assert.equal(codes.length, 15);
  assert.equal(new Set(Object.values(RELAY_TEXTS)).size, codes.length);
  for (const code of codes) {
    const refusal = refuseRelay(code);
    assert.deepEqual(refusal, { ok: false, code, message: RELAY_TEXTS[code] });
    assert.deepEqual(structuredClone(refusal), refusal);
  }
});

test("limits say their number, and when there is room again", () => {
  const message = (code: RelayCode, limit: number): string => refuseRelay(code, { limit }).message;
  assert.match(message("group_full", 10_000), /: 10000 members at most$/);
  assert.match(message("too_many_groups", 100), /: 100 at most$/);
  assert.match(message("message_too_large", 16_384), /: 16384 bytes of JSON at most$/);
  assert.match(message("rate_limited", 50), /: 50 a second at most$/);
  assert.equal(message("muted", 7), RELAY_TEXTS.muted, "where there is none, none is told");
  assert.equal(refuseRelay("rate_limited", { limit: 50, retryAfterMs: 20 }).retryAfterMs, 20);
});
