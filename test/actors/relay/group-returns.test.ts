import assert from "node:assert/strict";
import test from "node:test";
import type { GroupOrigin } from "../../../actors/relay/group-messages.ts";
import type { GroupState } from "../../../actors/relay/group-state.ts";
import { type FanoutView, GroupKit } from "./group-kit.ts";

const room: GroupOrigin = { type: "new", kind: "private", isDurable: false, creator: null };

/** A private group of ann, its admin, and bob, who was accepted; each on a fan-out of its own. */
async function startRoom(): Promise<GroupKit> {
  const kit = await GroupKit.start(room);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await operate(kit, "accept", "bob");
  await kit.send("ann", "a secret");
  return kit;
}

async function operate(kit: GroupKit, what: "accept" | "remove", userId: string): Promise<void> {
  const answer = await kit.kernel.until(kit.group.ask.operate(what, "ann", userId));
  assert.ok("ok" in answer && answer.ok);
  await kit.settle();
}

async function leave(kit: GroupKit, userId: string): Promise<void> {
  const answer = await kit.kernel.until(kit.group.ask.leave(userId));
  assert.ok("ok" in answer && answer.ok);
  await kit.settle();
}

async function cut(kit: GroupKit, index: number): Promise<void> {
  kit.kernel.kernel.find(kit.fanout(index).ref.id)?.stop({ kind: "killed", message: "killed" });
  await kit.settle();
}

async function moved(kit: GroupKit): Promise<{ next: GroupKit; state: GroupState }> {
  const state = await kit.kernel.until(kit.group.ask.export());
  assert.ok(state);
  return { next: await GroupKit.start({ type: "moved", state }), state };
}

async function follow(kit: GroupKit, index: number, from: FanoutView): Promise<void> {
  kit.group.tell.reenter(kit.fanout(index).ref, from.claim("room", "private", false));
  await kit.settle();
}

async function roleOf(kit: GroupKit, userId: string): Promise<string | undefined> {
  const summary = await kit.summary(userId);
  return summary === null ? undefined : `${summary.role} ${summary.status}`;
}

test("while a member is away the group is no stranger's, though the last one leaves", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await leave(kit, "ann");
  await kit.enter(0, 9, "eve", { since: 0 });
  assert.equal(await roleOf(kit, "eve"), "member pending");
  const answer = kit.fanout(0).answers.at(-1);
  assert.deepEqual(answer?.ok && [answer.recovered, answer.missed], [false, []]);
  await kit.enter(1, 2, "bob");
  assert.equal(await roleOf(kit, "bob"), "admin active", "nobody else is expected");
});

test("a member that is away is no reason to wait for it once it is back", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await kit.enter(1, 2, "bob");
  await leave(kit, "bob");
  await leave(kit, "ann");
  assert.ok(kit.isOver);
});

test("who leaves while it is away does not come back as what it was", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await leave(kit, "bob");
  await kit.enter(1, 2, "bob");
  assert.equal(await roleOf(kit, "bob"), "member pending");
});

test("who is away leaves, and nobody is left", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await kit.exit(0, 1);
  await leave(kit, "bob");
  assert.ok(!kit.isOver, "ann may come back");
  await leave(kit, "ann");
  assert.ok(kit.isOver);
});

test("members that are away when the group moves are what they were, there", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await kit.exit(0, 1);
  const { next, state } = await moved(kit);
  assert.deepEqual([state.members, state.connected], [[], []]);
  const { epoch } = state;
  await next.advance(29_000);
  await next.enter(1, 1, "bob", { since: 0, epoch });
  assert.equal(await roleOf(next, "bob"), "member active", "the admin is expected yet");
  await next.enter(0, 1, "ann", { since: 0, epoch });
  assert.equal(await roleOf(next, "ann"), "admin active");
  const recovered = [0, 1].flatMap((index) =>
    next.fanout(index).answers.map((answer) => answer.ok && answer.recovered),
  );
  assert.deepEqual(recovered, [true, true]);
});

test("the group ends where it has moved to, when nobody comes back", async () => {
  const kit = await startRoom();
  await kit.exit(1, 1);
  await kit.exit(0, 1);
  const { next } = await moved(kit);
  await next.advance(29_999);
  assert.ok(!next.isOver);
  await next.advance(1);
  assert.ok(next.isOver);
});

test("a member that has not followed a move is expected still after the next one, and after 10 s gone", async () => {
  const kit = await startRoom();
  const { next } = await moved(kit);
  await follow(next, 1, kit.fanout(1));
  await next.advance(5_000);
  const { next: third, state } = await moved(next);
  assert.deepEqual(state.connected, ["bob", "ann"]);
  await follow(third, 1, kit.fanout(1));
  await third.advance(9_999);
  assert.equal(await roleOf(third, "ann"), "admin active");
  await third.advance(1);
  assert.equal(await roleOf(third, "ann"), undefined);
  assert.equal(await roleOf(third, "bob"), "admin active");
  await third.enter(0, 1, "ann");
  assert.equal(await roleOf(third, "ann"), "member active", "it was a member a moment ago");
});

test("a member of another copy that does not come is gone, and so is the group", async () => {
  const kit = await startRoom();
  const other = await GroupKit.start({ ...room, creator: "xen" });
  await other.enter(0, 1, "xen");
  const state = await other.kernel.until(other.group.ask.export());
  assert.ok(state);
  await kit.kernel.until(kit.group.ask.merge(state));
  assert.equal(await roleOf(kit, "xen"), "admin active");
  await kit.advance(10_000);
  assert.equal(await roleOf(kit, "xen"), undefined);
  await leave(kit, "ann");
  await leave(kit, "bob");
  await kit.advance(29_999);
  assert.ok(!kit.isOver, "it may come yet");
  await kit.advance(1);
  assert.ok(kit.isOver);
});

test("the group that has moved does nothing more, whoever is expected", async () => {
  const kit = await startRoom();
  await kit.exit(0, 1);
  await kit.enter(0, 9, "eve");
  await kit.exit(1, 1);
  await kit.advance(28_000);
  const { next } = await moved(kit);
  kit.group.tell.movedTo(next.group);
  await kit.settle();
  const view = kit.fanout(0);
  assert.notEqual(view.movedTo, null);
  await kit.advance(4_000);
  assert.ok(view.members.has("eve"));
  assert.ok(!view.isClosed);
});

test("a move that failed does not keep who is expected from going", async () => {
  const kit = await startRoom();
  await kit.exit(0, 1);
  await kit.exit(1, 1);
  await kit.kernel.until(kit.group.ask.export());
  await kit.advance(31_000);
  assert.ok(!kit.isOver);
  kit.group.tell.stay();
  await kit.settle();
  assert.ok(kit.isOver);
});

test("a member that its fan-out brought back can be removed for good", async () => {
  const kit = await startRoom();
  const known = kit.fanout(1);
  const claim = known.claim("room", "private", false);
  await cut(kit, 1);
  assert.equal(await roleOf(kit, "bob"), undefined);
  const next = await kit.addFanout();
  kit.group.tell.reenter(next.ref, claim);
  await kit.settle();
  assert.equal(await roleOf(kit, "bob"), "member active");
  await operate(kit, "remove", "bob");
  await kit.enter(2, 7, "bob");
  assert.equal(await roleOf(kit, "bob"), "member pending");
});

test("a session that its fan-out does not claim has ended; its user may come back", async () => {
  const kit = await startRoom();
  const claim = kit.fanout(1).claim("room", "private", false);
  kit.group.tell.reenter(kit.fanout(1).ref, { ...claim, members: [] });
  await kit.settle();
  assert.equal(await roleOf(kit, "bob"), undefined);
  await kit.enter(1, 2, "bob");
  assert.equal(await roleOf(kit, "bob"), "member active");
});

test("who finds the group full when it comes back may try again", async () => {
  const kit = await GroupKit.start(room, { maxMembers: 2 });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await operate(kit, "accept", "bob");
  await kit.exit(1, 1);
  await kit.enter(0, 5, "cid");
  await kit.enter(1, 2, "bob");
  assert.deepEqual(kit.fanout(1).refusals, ["group_full"]);
  await kit.exit(0, 5);
  await kit.enter(1, 3, "bob");
  assert.equal(await roleOf(kit, "bob"), "member active");
});

test("an empty public group in which nothing was said is over, a private one waits", async () => {
  for (const [kind, isOver] of [["public", true] as const, ["private", false] as const]) {
    const kit = await GroupKit.start({ ...room, kind });
    await kit.enter(0, 1, "ann");
    await kit.exit(0, 1);
    assert.equal(kit.isOver, isOver);
  }
});
