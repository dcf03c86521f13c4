import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  maxEchoBytes,
  maxFieldBytes,
  parseFields,
  rejectFrame,
} from "../../../actors/channel/frame.ts";

const longest = "t".repeat(maxFieldBytes);

describe("parseFields", () => {
  test("takes strings, null refs and any payload", () => {
    assert.deepEqual(parseFields(null, "1", "phoenix", "heartbeat", {}), {
      ok: true,
      frame: { joinRef: null, ref: "1", topic: "phoenix", event: "heartbeat", payload: {} },
    });
    for (const payload of [null, 0, "", [], Buffer.of(1)]) {
      const parsed = parseFields("1", null, "a", "b", payload);
      assert.ok(parsed.ok);
      assert.equal(parsed.frame.payload, payload);
    }
  });

  const refused: [string, unknown[], string, string | null, string][] = [
    ["topic a number", ["1", "2", 3, "e"], "topic must be a non-empty string", "2", "phoenix"],
    ["topic empty", ["1", "2", "", "e"], "topic must be a non-empty string", "2", "phoenix"],
    [
      "topic absent",
      ["1", "2", undefined, "e"],
      "topic must be a non-empty string",
      "2",
      "phoenix",
    ],
    ["event null", ["1", "2", "t", null], "event must be a non-empty string", "2", "t"],
    ["event empty", ["1", "2", "t", ""], "event must be a non-empty string", "2", "t"],
    ["ref a number", ["1", 2, "t", "e"], "ref must be a string or null", null, "t"],
    ["ref an object", ["1", {}, "t", "e"], "ref must be a string or null", null, "t"],
    ["join_ref a number", [1, "2", "t", "e"], "join_ref must be a string or null", "2", "t"],
    [
      "topic over-long",
      ["1", "2", `${longest}t`, "e"],
      "topic is longer than 255 bytes",
      "2",
      "phoenix",
    ],
    ["event over-long", ["1", "2", "t", `${longest}e`], "event is longer than 255 bytes", "2", "t"],
    ["ref over-long", ["1", `${longest}2`, "t", "e"], "ref is longer than 255 bytes", null, "t"],
    [
      "join_ref over-long",
      [`${longest}1`, "2", "t", "e"],
      "join_ref is longer than 255 bytes",
      "2",
      "t",
    ],
    [
      "topic a lone surrogate",
      ["1", "2", "t\ud800", "e"],
      "topic is not valid Unicode",
      "2",
      "phoenix",
    ],
    ["ref a lone surrogate", ["1", "\udc00", "t", "e"], "ref is not valid Unicode", null, "t"],
  ];
  for (const [name, [joinRef, ref, topic, event], reason, faultRef, faultTopic] of refused) {
    test(`refuses ${name}`, () => {
      assert.deepEqual(parseFields(joinRef, ref, topic, event, {}), {
        ok: false,
        reason,
        ref: faultRef,
        topic: faultTopic,
      });
    });
  }

  test("keeps the topic of a join whose topic is refused, as far as it can be repeated", () => {
    const join = (ref: unknown, topic: unknown): unknown =>
      parseFields("1", ref, topic, "phx_join", {});
    const fault = (reason: string, topic: string): unknown => ({
      ...{ ok: false, reason, ref: "2", topic, isJoin: true },
    });
    const long = "topic is longer than 255 bytes";
    for (const topic of [`${longest}t`, "t".repeat(maxEchoBytes), "ä".repeat(maxEchoBytes / 2)]) {
      assert.deepEqual(join("2", topic), fault(long, topic));
    }
    assert.deepEqual(join("2", "t\ud800"), fault("topic is not valid Unicode", "t\ud800"));
    assert.deepEqual(join("2", ""), fault("topic must be a non-empty string", ""));
    const unanswered: [unknown, unknown][] = [
      ["2", "t".repeat(maxEchoBytes + 1)],
      ["2", `ä${"t".repeat(maxEchoBytes - 1)}`],
      ["2", 7],
      [null, `${longest}t`],
      [2, `${longest}t`],
      ["\ud800", `${longest}t`],
    ];
    for (const [ref, topic] of unanswered) {
      assert.partialDeepStrictEqual(join(ref, topic), { ok: false, topic: "phoenix" });
      assert.ok(!Object.hasOwn(join(ref, topic) as object, "isJoin"));
    }
  });

  test("counts bytes of UTF-8, not characters", () => {
    assert.ok(parseFields(longest, longest, longest, longest, {}).ok);
    assert.ok(parseFields(null, null, "€".repeat(85), "e", {}).ok);
    assert.ok(!parseFields(null, null, "€".repeat(86), "e", {}).ok);
    assert.ok(parseFields(null, null, "😀".repeat(63), "e", {}).ok);
    assert.ok(!parseFields(null, null, "😀".repeat(64), "e", {}).ok);
  });
});

test("rejectFrame keeps of the address what is valid", () => {
  assert.deepEqual(rejectFrame("r", "1", "a"), { ok: false, reason: "r", ref: "1", topic: "a" });
  assert.deepEqual(rejectFrame("r", 1, ["a"]), {
    ok: false,
    reason: "r",
    ref: null,
    topic: "phoenix",
  });
});
