import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupKind, MemberState } from "../../../actors/relay/group-kind.ts";
import { type Decision, Membership } from "../../../actors/relay/membership.ts";

const noLimit = 1_000;

/** "name: role status" of each member, in their order. */
const listed = (membership: Membership): string[] =>
  [...membership.members()].map(({ userId, role, status }) => `${userId}: ${role} ${status}`);

const code = (decision: Decision): string => (decision.ok ? "ok" : decision.code);

const changed = (decision: Decision): string[] =>
  decision.ok
    ? decision.changes.map(({ userId, after }) => `${userId}: ${after?.status ?? "gone"}`)
    : [decision.code];

/** ann, its admin, and others who joined after her and were accepted. */
function groupOf(kind: GroupKind, others: readonly string[], isDurable = false): Membership {
  const membership = Membership.create(kind, isDurable, "ann", 1);
  for (const [index, userId] of others.entries()) {
    membership.join(userId, index + 2, noLimit);
    membership.accept("ann", userId);
  }
  return membership;
}

const state = (
  userId: string,
  joinedAt: number,
  given: Partial<MemberState> = {},
): MemberState => ({ userId, role: "member", status: "active", joinedAt, version: 1, ...given });

test("the creator is an active admin; who joins is active in a public group, else pending", () => {
  for (const kind of ["public", "private", "strict_private"] as const) {
    const membership = Membership.create(kind, false, "ann", 1);
    const decision = membership.join("bob", 2, noLimit);
    const status = kind === "public" ? "active" : "pending";
    assert.deepEqual(listed(membership), ["ann: admin active", `bob: member ${status}`]);
    assert.deepEqual(decision, {
      ok: true,
      changes: [{ userId: "bob", before: null, after: state("bob", 2, { status }) }],
    });
  }
});

test("without a creator the first who joins is the admin, of any kind", () => {
  const membership = Membership.create("strict_private", true, null, 1);
  assert.equal(membership.isEmpty, true);
  membership.join("ann", 2, noLimit);
  assert.deepEqual(listed(membership), ["ann: admin active"]);
});

test("to join again is no refusal and changes nothing, in a full group too", () => {
  const membership = groupOf("strict_private", ["bob"]);
  membership.mute("ann", "bob", 5);
  assert.deepEqual(membership.join("bob", 9, 2), { ok: true, changes: [] });
  assert.equal(membership.get("bob")?.status, "muted", "a mute is not escaped");
  assert.equal(membership.get("bob")?.joinedAt, 2);
  const refused = membership.join("cem", 9, 2);
  assert.ok(!refused.ok && refused.code === "group_full" && refused.message.includes(": 2 "));
});

test("active members accept in a private group, admins in a strict one", () => {
  const open = groupOf("private", ["bob"]);
  open.join("cem", 3, noLimit);
  open.join("dan", 4, noLimit);
  assert.equal(code(open.accept("cem", "dan")), "membership_pending");
  assert.equal(code(open.accept("dan", "dan")), "membership_pending", "nor oneself");
  assert.deepEqual(changed(open.accept("bob", "cem")), ["cem: active"]);
  assert.deepEqual(changed(open.accept("cem", "dan")), ["dan: active"]);
  assert.deepEqual(changed(open.accept("cem", "dan")), [], "to accept again is no refusal");

  const strict = groupOf("strict_private", ["bob"]);
  strict.join("cem", 3, noLimit);
  assert.equal(code(strict.accept("bob", "cem")), "not_admin");
  assert.equal(code(strict.accept("eve", "cem")), "not_a_member");
  assert.equal(code(strict.accept("ann", "eve")), "no_such_member");
  assert.deepEqual(changed(strict.accept(null, "cem")), ["cem: active"], "the system may");
});

test("who is muted receives, and cannot send until an admin unmutes it", () => {
  const membership = groupOf("strict_private", ["bob"]);
  membership.attach("bob");
  assert.deepEqual(changed(membership.mute("ann", "bob", 5)), ["bob: muted"]);
  assert.equal(membership.decideSend("bob")?.code, "muted");
  assert.equal(membership.decideRead("bob"), null);
  assert.deepEqual([membership.receives("bob"), membership.recipients], [true, 1]);
  assert.equal(code(membership.unmute("bob", "bob")), "not_admin");
  assert.deepEqual(changed(membership.mute("ann", "bob", 5)), []);
  assert.deepEqual(changed(membership.accept("ann", "bob")), [], "accepting is not unmuting");
  assert.deepEqual(changed(membership.unmute("ann", "bob")), ["bob: active"]);
  assert.equal(membership.decideSend("bob"), null);
});

test("a pending member is neither muted nor promoted into the group", () => {
  const membership = groupOf("strict_private", []);
  membership.join("bob", 2, noLimit);
  for (const act of ["mute", "unmute", "promote", "demote"] as const) {
    assert.equal(code(membership[act]("ann", "bob", 5)), "membership_pending", act);
  }
  assert.deepEqual(changed(membership.remove("ann", "bob", 5)), ["bob: gone"]);
});

test("several admins: one is made by another, and the last one stays", () => {
  const membership = groupOf("strict_private", ["bob"]);
  assert.equal(code(membership.promote("bob", "bob")), "not_admin");
  assert.equal(code(membership.demote("ann", "ann")), "last_admin");
  assert.equal(code(membership.demote(null, "ann")), "last_admin", "for the system too");
  assert.equal(code(membership.mute("ann", "ann", 5)), "last_admin");
  membership.mute("ann", "bob", 5);
  membership.promote("ann", "bob");
  assert.deepEqual(listed(membership), ["ann: admin active", "bob: admin active"]);
  membership.mute("bob", "ann", 5);
  assert.deepEqual(listed(membership), ["ann: member muted", "bob: admin active"]);
  assert.equal(code(membership.unmute("ann", "ann")), "not_admin", "it cannot unmute itself");
  membership.unmute("bob", "ann");
  membership.promote("bob", "ann");
  assert.deepEqual(changed(membership.demote("bob", "bob")), ["bob: active"]);
  assert.deepEqual(listed(membership), ["ann: admin active", "bob: member active"]);
});

test("the last admin hands over to the longest-standing active member, else to a muted one", () => {
  const membership = groupOf("strict_private", ["bob", "cem", "dan"]);
  membership.mute("ann", "bob", 5);
  membership.join("eve", 9, noLimit);
  assert.deepEqual(changed(membership.leave("ann", 5)), ["ann: gone", "cem: active"]);
  assert.equal(membership.get("cem")?.role, "admin");
  membership.remove("cem", "dan", 5);
  assert.deepEqual(changed(membership.remove("cem", "cem", 5)), ["cem: gone", "bob: active"]);
  assert.equal(membership.get("bob")?.role, "admin");
  assert.deepEqual(changed(membership.leave("bob", 5)), ["bob: gone", "eve: gone"]);
  assert.equal(membership.isEmpty, true, "who was never accepted inherits nothing");
  assert.equal(code(membership.leave("bob", 5)), "not_a_member");
});

test("a member that is not durable ends with its last session; each session receives", () => {
  const membership = groupOf("public", ["bob"]);
  assert.equal(membership.attach("eve"), false);
  for (let session = 0; session < 3; session += 1) assert.equal(membership.attach("bob"), true);
  assert.deepEqual([membership.sessionsOf("bob"), membership.recipients], [3, 3]);
  assert.deepEqual(changed(membership.detachAll(["bob"])), []);
  assert.deepEqual(changed(membership.detachAll(["ann", "eve"])), [], "they have none");
  assert.deepEqual(changed(membership.detachAll(["bob", "bob"])), ["bob: gone"]);
  assert.deepEqual([membership.recipients, membership.size], [0, 1]);
  assert.deepEqual(listed(membership), ["ann: admin active"], "who never had one stays");
});

test("a durable member stays without sessions", () => {
  const membership = groupOf("public", ["bob"], true);
  membership.attach("bob");
  assert.deepEqual(changed(membership.detachAll(["bob"])), []);
  assert.deepEqual([membership.size, membership.recipients], [2, 0]);
});

test("sessions of pending members count from their acceptance on, and not after they left", () => {
  const membership = groupOf("private", []);
  membership.join("bob", 2, noLimit);
  membership.attach("bob");
  membership.attach("bob");
  assert.equal(membership.recipients, 0);
  membership.accept("ann", "bob");
  assert.equal(membership.recipients, 2);
  membership.leave("bob", 5);
  assert.equal(membership.recipients, 0);
  membership.join("bob", 3, noLimit);
  assert.equal(membership.sessionsOf("bob"), 0, "the old sessions are not those of the new member");
});

test("of members that end at once none becomes admin in between", () => {
  const membership = groupOf("public", ["bob", "cem"]);
  for (const userId of ["ann", "bob", "cem"]) membership.attach(userId);
  const decision = membership.detachAll(["ann", "bob", "unknown"]);
  assert.deepEqual(changed(decision), ["ann: gone", "bob: gone", "cem: active"]);
  assert.equal(membership.get("cem")?.role, "admin");
});

test("merging adds who is missing in the order of joining, and keeps who is known better", () => {
  const membership = groupOf("strict_private", ["bob"]);
  const decision = membership.merge([
    state("eve", 40),
    state("bob", 0, { status: "pending" }),
    state("dan", 2, { status: "muted" }),
  ]);
  assert.deepEqual(changed(decision), ["eve: active", "dan: muted"]);
  assert.deepEqual(
    [...membership.members()].map(({ userId, joinedAt }) => [userId, joinedAt]),
    [
      ["ann", 1],
      ["bob", 2],
      ["dan", 2],
      ["eve", 40],
    ],
  );
  assert.equal(membership.get("bob")?.status, "active");
});

test("what is left of a group waits for its admin: nobody else becomes one before it is settled", () => {
  const empty = { kind: "strict_private", isDurable: false, members: [] } as const;
  const membership = Membership.restore(empty);
  membership.join("eve", 90, noLimit);
  assert.deepEqual(listed(membership), ["eve: member pending"], "not even who comes first");
  membership.merge([state("bob", 2)]);
  membership.merge([state("ann", 1, { role: "admin" })]);
  assert.deepEqual(listed(membership), [
    "ann: admin active",
    "bob: member active",
    "eve: member pending",
  ]);
  assert.deepEqual(changed(membership.settle()), []);

  const orphaned = Membership.create("strict_private", false, null, 0);
  orphaned.merge([state("bob", 2), state("cem", 3)]);
  assert.deepEqual(changed(orphaned.leave("bob", 5)), ["bob: gone"]);
  assert.deepEqual(changed(orphaned.settle()), ["cem: active"]);
  assert.deepEqual(listed(orphaned), ["cem: admin active"]);
});

test("a group is restored as it was, but for its sessions", () => {
  const membership = groupOf("strict_private", ["bob", "cem"], true);
  membership.mute("ann", "bob", 5);
  membership.attach("bob");
  const restored = Membership.restore(structuredClone(membership.state()));
  assert.deepEqual(restored.state(), membership.state());
  assert.deepEqual([restored.size, restored.sessionsOf("bob"), restored.recipients], [3, 0, 0]);
});
