import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProbeHandle } from "#runtime/testing";
import { refuseRelay } from "../../../actors/relay/refusal.ts";
import {
  accepted,
  asGroup,
  FanoutKit,
  found,
  type GroupPort,
  member,
  present,
  takeClaim,
  takeEnter,
  takeTold,
} from "./fanout-kit.ts";

const gap = (epoch: string, fields: string): string =>
  `relay_gap {"group_id":"g","epoch":"${epoch}",${fields}}`;

test("the members of a lost group are brought to where it is built anew", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const admin = member("ann", { role: "admin", joinedAt: 5 });
  const ann = await kit.join(group, "ann", { member: admin, kind: "private", isDurable: true });
  const pending = member("bob", { status: "pending" });
  const bob = await kit.join(group, "bob", { member: pending, kind: "private", isDurable: true });
  const cat = await kit.join(group, "cat");
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  await kit.end(group);
  assert.deepEqual(kit.forgotten, ["g"]);
  const restoring = { kind: "private", isDurable: true, offset: 1 };
  assert.deepEqual(kit.searches[0]?.intent, { type: "restore", claim: restoring });
  kit.tell.deliver("g", 2, "nobody's");
  kit.tell.changed("g", admin, true, 8, null);
  kit.tell.presence("g", { joins: present("r1"), leaves: present() });
  await kit.exit(cat.session);
  await kit.found(next);
  const claim = takeClaim(next);
  assert.deepEqual(claim, {
    ...{ groupId: "g", kind: "private", isDurable: true, epoch: "e1", offset: 1 },
    members: [
      {
        ...admin,
        sessions: [{ session: ann.session, deviceId: "ann's", meta: {}, isOfTopic: true }],
      },
      {
        ...pending,
        sessions: [{ session: bob.session, deviceId: "bob's", meta: {}, isOfTopic: true }],
      },
    ],
  });
  for (const { channel } of [ann, bob]) channel.taken();
  kit.tell.deliver("g", 2, "nobody's");
  kit.tell.reentered("g", found(claim, { epoch: "e2", offset: 4, recovered: false }));
  kit.tell.deliver("g", 5, "m5");
  await kit.settle();
  const lost = gap("e2", '"from":2,"to":4,"reason":"lost"');
  assert.deepEqual(ann.channel.taken(), [lost, "msg m5"]);
  assert.deepEqual(bob.channel.taken(), []);
  next.record.expectNothing();
});

test("what a group said before its end is heard, though its end overtakes it", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const { channel } = await kit.join(group, "ann");
  kit.tell.deliver("g", 1, "m1");
  kit.tell.deliver("g", 2, "m2");
  await kit.end(group);
  await kit.found(next);
  assert.equal(takeClaim(next).offset, 2);
  assert.deepEqual(channel.taken().slice(1), ["msg m1", "msg m2"]);
});

test("a group that was deleted is not brought back by its end", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann");
  const api = await kit.joinApi(group, "bob");
  kit.tell.deliver("g", 1, "m1");
  kit.tell.closed("g");
  await kit.end(group);
  assert.equal(kit.searches.length, 0);
  assert.deepEqual(ann.channel.taken().slice(1), ["msg m1", "closed"]);
  const closed = 'relay_closed {"group_id":"g","reason":"deleted"}';
  assert.deepEqual(api.channel.taken(), ["msg m1", closed]);
  await kit.exit(ann.session);
  group.record.expectNothing();
});

test("whoever waits for a group that is deleted has it looked for anew", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  await kit.join(group, "ann");
  const { session } = kit.client("bob");
  kit.tell.enter(session, "g", {});
  await kit.settle();
  takeEnter(group);
  kit.tell.closed("g");
  await kit.settle();
  assert.equal(kit.search().intent.type, "create");
});

test("a group that moves is followed, and nothing is missing or comes twice", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const ann = await kit.join(group, "ann");
  const left = await kit.join(group, "bob");
  const late = kit.client("cat");
  for (let offset = 1; offset <= 2; offset += 1) kit.tell.deliver("g", offset, `m${offset}`);
  kit.tell.enter(late.session, "g", {});
  kit.tell.exit(left.session);
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  assert.equal(kit.searches.length, 0);
  const claim = takeClaim(next);
  assert.deepEqual(
    claim.members.map(({ userId }) => userId),
    ["ann"],
  );
  const { no } = takeEnter(next);
  await kit.end(group);
  assert.equal(kit.searches.length, 0, "the old one may end");
  kit.tell.reentered("g", found(claim, { offset: 4, missed: ["m3", "m4"] }));
  kit.tell.entered("g", no, accepted("cat", { offset: 4 }));
  kit.tell.deliver("g", 5, "m5");
  await kit.settle();
  assert.deepEqual(
    ann.channel.taken().slice(1),
    [1, 2, 3, 4, 5].map((offset) => `msg m${offset}`),
  );
  assert.deepEqual(late.channel.taken().slice(1), ["msg m5"]);
  next.record.expectNothing();
  await kit.exit(ann.session);
  assert.equal(takeTold(next), `exit [${ann.session}]`);
});

test("who has to be accepted anew gets nothing of what was missed", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const ann = await kit.join(group, "ann");
  const bob = await kit.join(group, "bob");
  for (const { channel } of [ann, bob]) channel.taken();
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  const members = [member("ann"), member("bob", { status: "pending" })];
  kit.tell.reentered("g", found(takeClaim(next), { offset: 1, missed: ["m1"], members }));
  await kit.settle();
  assert.deepEqual(ann.channel.taken(), ["msg m1"]);
  assert.deepEqual(bob.channel.taken(), [
    'relay_membership {"group_id":"g","role":"member","status":"pending"}',
  ]);
});

test("one that moves on at once, or is deleted there, is not waited for", async () => {
  const kit = await FanoutKit.start();
  const [group, second, third] = [await kit.probe(), await kit.probe(), await kit.probe()];
  const { channel } = await kit.join(group, "ann");
  kit.tell.moved("g", asGroup(second));
  kit.tell.moved("g", asGroup(third));
  await kit.settle();
  takeClaim(second);
  takeClaim(third);
  kit.tell.closed("g");
  await kit.kernel.advance(20_000);
  assert.deepEqual(channel.taken().slice(1), ["closed"]);
  assert.equal(kit.searches.length, 0);
});

test("presence that begins anew is told whole, with the first difference or a second later", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const { channel } = await kit.join(group, "ann", { presence: present("r1") });
  channel.taken();
  kit.tell.moved("g", asGroup(next));
  await kit.settle();
  kit.tell.reentered("g", found(takeClaim(next), { presence: present() }));
  await kit.settle();
  assert.deepEqual(channel.taken(), [], "it would show everybody leaving");
  kit.tell.presence("g", { joins: present("r2"), leaves: present() });
  await kit.settle();
  assert.deepEqual(channel.taken(), ['presence_state {"r2\'s user":{"metas":[{"phx_ref":"r2"}]}}']);
  await kit.kernel.advance(1_000);
  assert.deepEqual(channel.taken(), []);
  kit.tell.moved("g", asGroup(group));
  await kit.settle();
  kit.tell.reentered("g", found(takeClaim(group), { presence: present("r3") }));
  await kit.kernel.advance(999);
  assert.deepEqual(channel.taken(), []);
  await kit.kernel.advance(1);
  assert.match(String(channel.taken()), /^presence_state .*r3/);
});

test("a lost group is looked for until it is there, at most a second apart", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  await kit.join(group, "ann");
  await kit.end(group);
  const pausesMs: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    kit.search().answer(refuseRelay("unavailable"));
    await kit.settle();
    let pauseMs = 0;
    for (; kit.searches.length === 0; pauseMs += 5) await kit.kernel.advance(5);
    pausesMs.push(pauseMs);
  }
  assert.ok(pausesMs[0] !== undefined && pausesMs[0] >= 25 && pausesMs[0] <= 100, `${pausesMs}`);
  assert.ok(
    pausesMs.slice(-2).every((ms) => ms >= 500 && ms <= 1_005),
    `${pausesMs}`,
  );
  await kit.found(next);
  assert.equal(takeClaim(next).members.length, 1);
});

test("a lost group that is no more is closed, and one without anybody is forgotten", async () => {
  const kit = await FanoutKit.start();
  const [group, other] = [await kit.probe(), await kit.probe()];
  const ann = await kit.join(group, "ann");
  await kit.end(group);
  kit.search().answer(refuseRelay("group_not_found"));
  await kit.settle();
  assert.deepEqual(ann.channel.taken().slice(1), ["closed"]);
  const bob = await kit.join(other, "bob");
  await kit.end(other);
  await kit.exit(bob.session);
  kit.search().answer(refuseRelay("unavailable"));
  await kit.kernel.advance(10_000);
  assert.equal(kit.searches.length, 0);
});

test("one that ends again, refuses the claim or does not answer it is looked for anew", async () => {
  const kit = await FanoutKit.start();
  const groups = [await kit.probe(), await kit.probe(), await kit.probe(), await kit.probe()];
  const [first, second, third, last] = groups as [
    ...[ProbeHandle<GroupPort>, ProbeHandle<GroupPort>],
    ...[ProbeHandle<GroupPort>, ProbeHandle<GroupPort>],
  ];
  const { channel } = await kit.join(first, "ann");
  await kit.end(first);
  await kit.found(second);
  takeClaim(second);
  await kit.end(second);
  await kit.kernel.advance(100);
  await kit.found(third);
  takeClaim(third);
  kit.tell.reentered("g", refuseRelay("unavailable"));
  await kit.kernel.advance(200);
  await kit.found(third);
  takeClaim(third);
  await kit.kernel.advance(4_999);
  assert.equal(kit.searches.length, 0);
  await kit.kernel.advance(1_001);
  await kit.found(last);
  kit.tell.reentered("g", found(takeClaim(last)));
  kit.tell.deliver("g", 1, "m1");
  await kit.kernel.advance(10_000);
  assert.deepEqual(channel.taken().slice(1), ["msg m1"]);
  assert.equal(kit.searches.length, 0);
});

test("a join that comes while the group is away waits for it", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  await kit.join(group, "ann");
  await kit.end(group);
  const { session, channel } = kit.client("bob");
  kit.tell.enter(session, "g", {});
  await kit.settle();
  await kit.found(next);
  const claim = takeClaim(next);
  assert.equal(claim.members.length, 1);
  const { no } = takeEnter(next);
  kit.tell.reentered("g", found(claim, { epoch: "e2", recovered: false }));
  kit.tell.entered("g", no, accepted("bob", { epoch: "e2" }));
  await kit.settle();
  assert.deepEqual(channel.taken(), ['joined {"status":"active","epoch":"e2","offset":0}']);
});

test("what a full group refuses to hear it is told again, in order", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.kernel.probe<GroupPort>(["enter", "reenter", "exit"], {
    mailboxCapacity: 1,
  });
  const ann = await kit.join(group, "ann");
  const [bob, cat] = [kit.client("bob"), kit.client("cat")];
  kit.tell.exit(ann.session);
  kit.tell.enter(bob.session, "g", {});
  kit.tell.enter(cat.session, "g", {});
  await kit.oneTurn();
  const next = (): string => takeTold(group).replace(/"no":\d+,/, "");
  const told = [next()];
  await kit.kernel.advance(300);
  told.push(next(), next());
  group.record.expectNothing();
  assert.match(String(told), /^exit \[\d+\],enter .*"bob".*,enter .*"cat"/);
});

test("a group that nobody here is in any more is let go after a while, and found again", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann");
  await kit.exit(ann.session);
  assert.equal(takeTold(group), `exit [${ann.session}]`);
  kit.tell.deliver("g", 1, "m1");
  const bob = await kit.join(group, "bob", { offset: 1 });
  assert.equal(kit.searches.length, 0, "it is still known");
  kit.tell.deliver("g", 1, "m1");
  kit.tell.deliver("g", 2, "m2");
  await kit.settle();
  assert.deepEqual(bob.channel.taken().slice(1), ["msg m2"]);
  await kit.exit(bob.session);
  await kit.kernel.advance(20_000);
  const cat = kit.client("cat");
  kit.tell.enter(cat.session, "g", {});
  await kit.settle();
  assert.equal(kit.searches.length, 1);
});

test("a fan-out that stops refuses those who wait", async () => {
  const kit = await FanoutKit.start();
  const { session, channel } = kit.client("ann");
  kit.tell.enter(session, "g", {});
  await kit.settle();
  const reason = { kind: "shutdown", message: "" } as const;
  kit.kernel.kernel.signal(kit.ref, { type: "stop", reason });
  await kit.settle();
  assert.match(String(channel.taken()), /^refused .*unavailable/);
});

test("a group that counts anew is heard from its first message on", async () => {
  const kit = await FanoutKit.start();
  const [group, next] = [await kit.probe(), await kit.probe()];
  const { channel } = await kit.join(group, "ann", { offset: 9 });
  await kit.end(group);
  await kit.found(next);
  const claim = takeClaim(next);
  kit.tell.reentered("g", found(claim, { epoch: "e2", offset: 3, recovered: false }));
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  assert.deepEqual(channel.taken().slice(1), [
    gap("e2", '"from":10,"to":3,"reason":"lost"'),
    "msg m4",
  ]);
});

test("the answer to a claim that nobody has made is not heard", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { channel } = await kit.join(group, "ann");
  const stale = { epoch: "e0", offset: 0, recovered: false, missed: [], members: [] };
  kit.tell.reentered("g", { ...stale, presence: null });
  await kit.settle();
  assert.equal(channel.taken().length, 1);
});
