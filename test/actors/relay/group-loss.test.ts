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
  await kit.send("ann");
  for (const asked of [{ since: 1, epoch }, {}]) await kit.enter(1, 2, "bob", asked);
  const told = answers.slice(1).map((answer) => answer.ok && [answer.recovered, answer.missed]);
  assert.deepEqual(told, [
    [false, []],
    [null, []],
  ]);
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
  await kit.advance(10_000);
  assert.equal(kit.kernel.kernel.find(kit.group.id), undefined, "who waits alone is no group");
});
