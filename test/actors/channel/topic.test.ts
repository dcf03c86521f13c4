import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { selectChannel, selectGroupId } from "../../../actors/channel/topic.ts";

function selectPattern(...patterns: string[]): (topic: string) => string | undefined {
  return selectChannel(patterns.map((pattern) => [pattern, pattern] as const));
}

describe("selectChannel", () => {
  test("matches prefixes and exact names", () => {
    const select = selectPattern("api:*", "system");
    assert.equal(select("api:lobby"), "api:*");
    assert.equal(select("api:"), "api:*");
    assert.equal(select("system"), "system");
    assert.equal(select("api"), undefined);
    assert.equal(select("system:x"), undefined);
    assert.equal(select("nothing:here"), undefined);
    assert.equal(select(""), undefined);
  });

  test("exact before wildcard, longest prefix wins, in any order of declaration", () => {
    const patterns = ["*", "chat:*", "chat:admin:*", "chat:admin:root"];
    for (const order of [patterns, patterns.toReversed()]) {
      const select = selectPattern(...order);
      assert.equal(select("chat:admin:root"), "chat:admin:root");
      assert.equal(select("chat:admin:x"), "chat:admin:*");
      assert.equal(select("chat:room"), "chat:*");
      assert.equal(select("other"), "*");
    }
  });

  test("a star in a topic is plain text", () => {
    assert.equal(selectPattern("api:*")("api:*"), "api:*");
    assert.equal(selectPattern("api")("*"), undefined);
  });

  test("returns the declared channel, whatever its value", () => {
    assert.equal(selectChannel([["a", 0]])("a"), 0);
    assert.equal(selectChannel(new Map([["toString", 1]]))("constructor"), undefined);
  });

  test("names an invalid pattern", () => {
    assert.throws(() => selectPattern("a*b"), {
      name: "TypeError",
      message: 'topic pattern may have * at its end only, got "a*b"',
    });
    assert.throws(() => selectPattern("a:**"), /^TypeError: .*got "a:\*\*"$/);
    assert.throws(() => selectPattern(""), /^TypeError: .*non-empty string, got ""$/);
    assert.throws(() => selectPattern(7 as unknown as string), /^TypeError: .*got number$/);
    assert.throws(() => selectPattern("a:*", "a:*"), /^TypeError: .*got "a:\*" twice$/);
    assert.throws(() => selectPattern("a", "a"), /^TypeError: .*got "a" twice$/);
    assert.doesNotThrow(() => selectPattern("a", "a*"));
  });

  test("agrees with a plain model", () => {
    const name = fc.string({ unit: fc.constantFrom("a", "b", ":"), maxLength: 4 });
    const pattern = fc
      .tuple(name, fc.boolean())
      .map(([text, wild]) => (wild ? `${text}*` : text))
      .filter((text) => text !== "");
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 8 }), name, (patterns, topic) => {
        const matching = patterns.filter((p) =>
          p.endsWith("*") ? topic.startsWith(p.slice(0, -1)) : p === topic,
        );
        const best =
          matching.find((p) => !p.endsWith("*")) ?? matching.sort((a, b) => b.length - a.length)[0];
        assert.equal(selectPattern(...patterns)(topic), best);
      }),
    );
  });
});

describe("selectGroupId", () => {
  for (const [topic, groupId] of [
    ["chat:lobby", "lobby"],
    ["chat:a:b", "a:b"],
    ["chat:", ""],
    ["chat", ""],
    [":x", "x"],
  ] as const) {
    test(`of ${topic} is "${groupId}"`, () => assert.equal(selectGroupId(topic), groupId));
  }
});
