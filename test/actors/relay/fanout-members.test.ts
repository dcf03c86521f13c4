import assert from "node:assert/strict";
import { test } from "node:test";
import { asGroup, FanoutKit, found, member, present, takeClaim } from "./fanout-kit.ts";

const isIn = (epoch: string, offset: number): string =>
  `relay_membership {"group_id":"g","role":"member","status":"active","epoch":"${epoch}","offset":${offset}}`;

test("who became a member's equal while the group was away gets nothing of what was missed", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const ann = await kit.join(group, "ann");
  const pending = member("bob", { status: "pending" });
  const bob = await kit.join(group, "bob", { member: pending });
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  const claim = takeClaim(next);
  const members = [member("ann"), member("bob")];
  kit.tell.reentered("g", found(claim, { offset: 2, missed: ["m1", "m2"], members }));
  kit.tell.deliver("g", 3, "m3");
  await kit.settle();
  assert.deepEqual(ann.channel.taken().slice(1), ["msg m1", "msg m2", "msg m3"]);
  assert.deepEqual(bob.channel.taken().slice(1), [isIn("e1", 2), "msg m3"]);
});

test("a fan-out with pending ones alone has missed nothing", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const pending = member("ann", { status: "pending" });
  const { channel } = await kit.join(group, "ann", { member: pending, offset: 1 });
  channel.taken();
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  const same = { members: [pending] };
  kit.tell.reentered("g", found(takeClaim(next), { offset: 3, missed: ["m2", "m3"], ...same }));
  kit.tell.moved("g", asGroup(group));
  await kit.settle();
  const anew = { epoch: "e2", offset: 9, recovered: false };
  kit.tell.reentered("g", found(takeClaim(group), { ...anew, ...same }));
  await kit.settle();
  assert.deepEqual(channel.taken(), []);
  kit.tell.changed("g", member("ann"), false, 12, present());
  kit.tell.deliver("g", 13, "m13");
  await kit.settle();
  const presence = "presence_state {}";
  assert.deepEqual(channel.taken(), [isIn("e2", 12), presence, "msg m13"]);
});

test("who is accepted, and then the group moves, misses nothing from then on", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const pending = member("ann", { status: "pending" });
  const { channel } = await kit.join(group, "ann", { member: pending, offset: 1 });
  kit.tell.changed("g", member("ann"), false, 8, present());
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  const claim = takeClaim(next);
  assert.equal(claim.offset, 8);
  kit.tell.reentered("g", found(claim, { offset: 9, missed: ["m9"] }));
  await kit.settle();
  assert.deepEqual(channel.taken().slice(3), ["msg m9"]);
});

test("who is another one in the group that is found is told so", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const { channel } = await kit.join(group, "ann", {
    member: member("ann", { status: "pending" }),
  });
  await kit.end(group);
  await kit.found(next);
  const members = [member("ann")];
  const answer = { epoch: "e2", offset: 5, recovered: false, members };
  kit.tell.reentered("g", found(takeClaim(next), answer));
  await kit.settle();
  assert.deepEqual(channel.taken().slice(1), [isIn("e2", 5)]);
});

test("those whom the new group does not know are out", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const ann = await kit.join(group, "ann");
  const bob = await kit.join(group, "bob");
  await kit.end(group);
  await kit.found(next);
  const claim = takeClaim(next);
  kit.tell.reentered("g", found(claim, { members: [member("bob", { role: "admin" })] }));
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  assert.deepEqual(ann.channel.taken().slice(1), ["closed"]);
  const admin = 'relay_membership {"group_id":"g","role":"admin","status":"active"}';
  assert.deepEqual(bob.channel.taken().slice(1), [admin, "msg m1"]);
});
