import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Roster } from "../../../actors/relay/roster.ts";

test("a user is admitted to as many groups as it may be in, and again to those it is in", () => {
  const roster = new Roster();
  assert.equal(roster.admit("ann", "a", 2), true);
  assert.equal(roster.admit("ann", "b", 2), true);
  assert.equal(roster.admit("ann", "c", 2), false);
  assert.deepEqual(roster.groupsOf("ann"), ["a", "b"]);
  assert.equal(roster.admit("ann", "a", 2), true);
  assert.equal(roster.admit("bob", "c", 2), true, "another user has a limit of its own");
  roster.note("ann", "a", false);
  assert.equal(roster.admit("ann", "c", 2), true);
  roster.note("ann", "d", true);
  assert.deepEqual(roster.groupsOf("ann"), ["b", "c", "d"], "what a group knows is recorded");
});

test("users without groups take no room, nor do those of other shards", () => {
  const roster = new Roster();
  roster.note("ann", "a", true);
  roster.note("ann", "a", true);
  roster.note("bob", "a", true);
  assert.equal(roster.size, 2);
  roster.note("ann", "a", false);
  roster.note("ann", "a", false);
  assert.equal(roster.size, 1);
  roster.keep((userId) => userId !== "bob");
  assert.deepEqual([roster.size, roster.groupsOf("bob")], [0, []]);
});

test("what it answers later does not change what it has answered", () => {
  const roster = new Roster();
  roster.note("ann", "a", true);
  const before = roster.groupsOf("ann");
  roster.note("ann", "b", true);
  assert.deepEqual(before, ["a"]);
});

test("it knows what a set of each user's groups knows, whatever happens", () => {
  const step = fc.record({
    what: fc.constantFrom("admit" as const, "join" as const, "leave" as const),
    userId: fc.constantFrom("ann", "bob", "__proto__", ""),
    groupId: fc.constantFrom("a", "b", "c", "constructor"),
    max: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
      const roster = new Roster();
      const groups = new Map<string, Set<string>>();
      for (const { what, userId, groupId, max } of steps) {
        const known = groups.get(userId) ?? new Set();
        groups.set(userId, known);
        if (what === "admit") {
          const expected = known.has(groupId) || known.size < max;
          assert.equal(roster.admit(userId, groupId, max), expected);
          if (expected) known.add(groupId);
        } else {
          roster.note(userId, groupId, what === "join");
          if (what === "join") known.add(groupId);
          else known.delete(groupId);
        }
        for (const [user, ids] of groups) assert.deepEqual(roster.groupsOf(user), [...ids]);
        assert.equal(roster.size, [...groups.values()].filter(({ size }) => size > 0).length);
      }
    }),
    { numRuns: 300 },
  );
});
