import assert from "node:assert/strict";
import test from "node:test";
import type { GroupOrigin } from "../../../actors/relay/group-messages.ts";
import { GroupKit } from "./group-kit.ts";

const publicRoom: GroupOrigin = { type: "new", kind: "public", isDurable: false, creator: null };

test("who comes back and has to be accepted again is told that messages are missing", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.send("ann");
  const { epoch, answers } = kit.fanout(1);
  await kit.exit(1, 1);
  await kit.advance(30_000);
  await kit.send("ann");
  for (const asked of [{ since: 1, epoch }, {}]) await kit.enter(1, 2, "bob", asked);
  const told = answers.slice(1).map((answer) => answer.ok && [answer.recovered, answer.missed]);
  assert.deepEqual(told, [
    [false, []],
    [null, []],
  ]);
});

test("a member that was cut off for a moment is what it was, and gets what it missed", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "strict_private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.kernel.until(kit.group.ask.operate("mute", "ann", "bob"));
  await kit.settle();
  const { epoch, answers } = kit.fanout(1);
  await kit.exit(1, 1);
  assert.equal(await kit.summary("bob"), null, "meanwhile it is no member");
  await kit.send("ann");
  await kit.advance(29_000);
  await kit.enter(1, 2, "bob", { since: 0, epoch });
  assert.equal((await kit.summary("bob"))?.status, "muted");
  const back = answers.at(-1);
  assert.deepEqual(back?.ok && [back.recovered, back.missed.length], [true, 1]);
});

test("an admin that was cut off finds the one who took over, and is a member", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.exit(0, 1);
  assert.equal((await kit.summary("bob"))?.role, "admin");
  await kit.enter(0, 2, "ann");
  assert.equal((await kit.summary("ann"))?.role, "member");
});

test("an admin that was alone and cut off is the admin, whoever has come since", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.send("ann");
  await kit.exit(0, 1);
  await kit.enter(1, 1, "eve");
  assert.equal((await kit.summary("eve"))?.role, "member");
  await kit.enter(0, 2, "ann");
  assert.equal((await kit.summary("ann"))?.role, "admin");
  await kit.advance(60_000);
  assert.equal((await kit.summary("eve"))?.role, "member");
});

test("who was cut off and is removed meanwhile, or leaves, does not come back as what it was", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.exit(1, 1);
  await kit.kernel.until(kit.group.ask.operate("remove", "ann", "bob"));
  await kit.enter(1, 2, "bob");
  assert.equal((await kit.summary("bob"))?.status, "pending");
});

test("members of a lost fan-out are gone; they come back as what they were", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "strict_private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.kernel.until(kit.group.ask.operate("promote", "ann", "bob"));
  await kit.settle();
  const claim = kit.fanout(1).claim("room", "strict_private", false);
  kit.kernel.kernel.find(kit.fanout(1).ref.id)?.stop({ kind: "killed", message: "killed" });
  await kit.settle();
  assert.equal(await kit.summary("bob"), null);
  const next = await kit.addFanout();
  kit.group.tell.reenter(next.ref, claim);
  await kit.settle();
  assert.deepEqual(await kit.summary("bob"), {
    ...{ groupId: "room", kind: "strict_private", role: "admin", status: "active" },
  });
});

test("a group whose members were all lost is no stranger's", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "private" });
  await kit.enter(0, 1, "ann");
  await kit.send("ann", "a secret");
  const loseAnn = async (index: number): Promise<void> => {
    kit.kernel.kernel.find(kit.fanout(index).ref.id)?.stop({ kind: "killed", message: "killed" });
    await kit.settle();
    assert.equal(await kit.summary("ann"), null);
  };
  await loseAnn(0);
  const { answers } = kit.fanout(1);
  await kit.enter(1, 1, "eve", { since: 0 });
  const [told] = answers;
  assert.ok(told?.ok);
  assert.deepEqual([told.member.role, told.member.status], ["member", "pending"]);
  assert.deepEqual([told.recovered, told.missed], [false, []]);

  const { epoch } = told;
  await kit.addFanout();
  await kit.enter(2, 1, "ann", { since: 0, epoch });
  assert.equal((await kit.summary("ann"))?.role, "admin");
  const [back] = kit.fanout(2).answers;
  assert.equal(back?.ok && back.missed.length, 1);
  await loseAnn(2);
  await kit.advance(29_999);
  assert.notEqual(await kit.summary("eve"), null, "who waits, waits for those who may return");
  await kit.advance(1);
  assert.ok(kit.isOver, "who waits alone is no group");
});

test("who comes back finds a group full that others have filled", async () => {
  const origin = { type: "new", kind: "public", isDurable: false, creator: null } as const;
  const kit = await GroupKit.start(origin, { maxMembers: 2 });
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "bob");
  await kit.send("ann");
  await kit.exit(0, 1, 2);
  await kit.enter(0, 3, "cid");
  await kit.enter(0, 4, "ann");
  await kit.enter(0, 5, "bob");
  assert.deepEqual(kit.fanout(0).refusals, ["group_full"]);
});
