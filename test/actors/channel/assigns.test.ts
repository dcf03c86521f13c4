import assert from "node:assert/strict";
import { test } from "node:test";
import { anonymousCaller, parseAssigns } from "../../../actors/channel/assigns.ts";

test("the fields of a caller come from the assigns, which stay whole", () => {
  const assigns = { user_id: "alice", user_roles: ["admin"], device_id: "d1", plan: "gold" };
  assert.deepEqual(parseAssigns(assigns, "::1"), {
    userId: "alice",
    userRoles: ["admin"],
    deviceId: "d1",
    ipAddress: "::1",
    assigns,
  });
});

test("absent and null fields make an anonymous caller", () => {
  const expected = { ...anonymousCaller(null), assigns: { user_id: null } };
  assert.deepEqual(parseAssigns({ user_id: null }, null), expected);
});

test("a number is an id, a single role is a list", () => {
  const caller = parseAssigns({ user_id: 7, user_roles: "admin" }, null);
  assert.deepEqual([caller.userId, caller.userRoles], ["7", ["admin"]]);
});

test("whatever else is refused by name, without repeating it", () => {
  const cases: [unknown, RegExp][] = [
    ["s3cret", /^assigns: expected an object or null, received a value of type string$/],
    [[], /^assigns: .* received a list$/],
    [{ user_id: "" }, /^assigns\.user_id: .* received an empty string$/],
    [{ user_id: Number.NaN }, /^assigns\.user_id: /],
    [{ device_id: true }, /^assigns\.device_id: /],
    [{ user_roles: ["a", 1] }, /^assigns\.user_roles: .* received a list$/],
  ];
  for (const [assigns, message] of cases) {
    assert.throws(() => parseAssigns(assigns, null), { name: "TypeError", message });
  }
});
