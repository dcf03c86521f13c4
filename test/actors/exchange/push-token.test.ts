import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decidePushToken } from "../../../actors/exchange/push-token.ts";

describe("the push token", () => {
  it("is right or wrong, whatever comes", () => {
    assert.equal(decidePushToken("secret", "secret"), true);
    const wrong = [
      "",
      "secre",
      "secret ",
      "Secret",
      "x".repeat(10_000),
      undefined,
      null,
      5,
      ["secret"],
    ];
    for (const given of wrong) assert.equal(decidePushToken(given, "secret"), false);
    assert.equal(decidePushToken(undefined, ""), false);
  });
});
