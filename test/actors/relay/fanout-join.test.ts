import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseRelay } from "../../../actors/relay/refusal.ts";
import {
  accepted,
  asGroup,
  FanoutKit,
  member,
  present,
  takeEnter,
  takeTold,
  wanted,
} from "./fanout-kit.ts";

const unavailable = 'refused {"reason":"The group cannot be reached now","code":"unavailable"}';

test("a client that joins is told of the group, and let in in its order", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { session, channel } = kit.client("ann");
  kit.tell.enter(session, "g", { since: 3, epoch: "e1", meta: { mood: 1 } });
  await kit.settle();
  assert.deepEqual(kit.searches[0]?.intent, {
    ...{ type: "create", kind: "public", isDurable: false, creator: "ann", mustBeNew: false },
  });
  await kit.found(group);
  const request = takeEnter(group);
  assert.deepEqual(request, {
    ...{ no: request.no, session, userId: "ann", deviceId: "ann's", meta: { mood: 1 } },
    ...{ isOfTopic: true, since: 3, epoch: "e1" },
  });
  const answer = { offset: 5, recovered: true, missed: ["m4", "m5"], presence: present("r1") };
  kit.tell.entered("g", request.no, accepted("ann", answer));
  kit.tell.deliver("g", 6, "m6");
  await kit.settle();
  assert.deepEqual(channel.taken(), [
    'joined {"status":"active","epoch":"e1","offset":5,"recovered":true}',
    "msg m4",
    "msg m5",
    'presence_state {"r1\'s user":{"metas":[{"phx_ref":"r1"}]}}',
    "msg m6",
  ]);
});

test("a client that comes while the last one leaves is told who is here", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann", { presence: present("r1") });
  const { session, channel } = kit.client("bob");
  kit.tell.enter(session, "g", {});
  await kit.settle();
  const { no } = takeEnter(group);
  kit.tell.exit(ann.session);
  kit.tell.presence("g", { joins: present("r2"), leaves: present() });
  // The group had answered before it heard of the exit: to its knowledge the others are known here.
  kit.tell.entered("g", no, accepted("bob"));
  await kit.settle();
  assert.match(channel.taken()[1] ?? "", /^presence_state .*r1.*r2/);
});

test("the group is looked for as its channel and the payload say", async () => {
  const kit = await FanoutKit.start();
  const intentOf = async (options: Parameters<FanoutKit["client"]>[2], payload: unknown) => {
    const { session } = kit.client("ann", "chat:g", options);
    kit.tell.enter(session, `g${session}`, payload);
    await kit.settle();
    return kit.search().intent;
  };
  assert.deepEqual(await intentOf({ create: null, durable: false }, { type: "private" }), {
    type: "find",
  });
  assert.deepEqual(await intentOf({ create: "public", durable: true }, { type: "private" }), {
    ...{ type: "create", kind: "private", isDurable: true, creator: "ann", mustBeNew: false },
  });
});

test("who is at fault, or nobody, is refused without a group", async () => {
  const kit = await FanoutKit.start();
  const refusal = async (userId: string | null, groupId: string, payload: unknown) => {
    const { session, channel } = kit.client(userId);
    kit.tell.enter(session, groupId, payload);
    await kit.settle();
    return channel.taken();
  };
  assert.deepEqual(await refusal(null, "g", {}), [
    'refused {"reason":"Authentication required","code":"authentication_required"}',
  ]);
  assert.match(String(await refusal("ann", "g", { since: -1 })), /since: expected.*invalid_argum/);
  assert.match(String(await refusal("ann", "g".repeat(300), {})), /group_id: expected/);
  kit.tell.enter(99, "g", {});
  await kit.settle();
  assert.equal(kit.searches.length, 0);
});

test("what the group or its home refuses reaches the client as it is", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const nowhere = kit.client("ann", "chat:g", { create: null, durable: false });
  const other = kit.client("bob", "chat:g", { create: null, durable: false });
  kit.tell.enter(nowhere.session, "g", {});
  kit.tell.enter(other.session, "g", {});
  await kit.settle();
  kit.search().answer(refuseRelay("group_not_found"));
  await kit.settle();
  const notFound = ['refused {"reason":"Group not found","code":"group_not_found"}'];
  assert.deepEqual(nowhere.channel.taken(), notFound);
  assert.deepEqual(other.channel.taken(), notFound, "one search for all who want the same");
  assert.equal(kit.searches.length, 0);
  const limited = kit.client("ann");
  kit.tell.enter(limited.session, "g", {});
  await kit.settle();
  await kit.found(group);
  const refused = refuseRelay("rate_limited", { limit: 3, retryAfterMs: 70 });
  kit.tell.entered("g", takeEnter(group).no, refused);
  await kit.settle();
  assert.match(String(limited.channel.taken()), /"code":"rate_limited","retry_after_ms":70\}$/);
});

test("what one may not create, another may", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const [ann, bob] = [kit.client("ann"), kit.client("bob")];
  kit.tell.enter(ann.session, "g", {});
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  kit.search().answer(refuseRelay("too_many_groups"));
  await kit.settle();
  assert.match(String(ann.channel.taken()), /too_many_groups/);
  assert.deepEqual(bob.channel.taken(), []);
  await kit.found(group);
  assert.equal(takeEnter(group).userId, "bob");
});

test("a client waits five seconds at most, for the home or for the group", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const [ann, bob] = [kit.client("ann"), kit.client("bob")];
  kit.tell.enter(ann.session, "g", {});
  await kit.kernel.advance(2_000);
  kit.tell.enter(bob.session, "g", {});
  await kit.kernel.advance(2_999);
  assert.deepEqual(ann.channel.taken(), []);
  await kit.kernel.advance(1);
  assert.deepEqual(ann.channel.taken(), [unavailable]);
  await kit.found(group);
  const { no, userId } = takeEnter(group);
  assert.equal(userId, "bob", "nobody else waits");
  await kit.kernel.advance(1_999);
  assert.deepEqual(bob.channel.taken(), []);
  await kit.kernel.advance(1);
  assert.deepEqual(bob.channel.taken(), [unavailable]);
  kit.tell.entered("g", no, accepted("bob"));
  await kit.settle();
  assert.equal(takeTold(group), `exit [${bob.session}]`, "the group has let it in in vain");
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  assert.deepEqual(bob.channel.taken(), []);
});

test("a session that ends before its answer comes leaves the group as it comes", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = kit.client("ann");
  kit.tell.enter(ann.session, "g", {});
  await kit.settle();
  await kit.found(group);
  const { no } = takeEnter(group);
  await kit.exit(ann.session);
  group.record.expectNothing();
  kit.tell.entered("g", no, accepted("ann"));
  await kit.settle();
  assert.equal(takeTold(group), `exit [${ann.session}]`);
  assert.deepEqual(ann.channel.taken(), []);
});

test("a session that ends before its group is found is not brought there", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const [ann, bob] = [kit.client("ann"), kit.client("bob")];
  kit.tell.enter(ann.session, "g", {});
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  await kit.exit(ann.session);
  await kit.found(group);
  assert.equal(takeEnter(group).userId, "bob");
  group.record.expectNothing();
});

test("a group that was made for a session that has ended hears that it came and went", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = kit.client("ann");
  kit.tell.enter(ann.session, "g", {});
  await kit.settle();
  await kit.exit(ann.session);
  await kit.found(group, true);
  kit.tell.entered("g", takeEnter(group).no, accepted("ann"));
  await kit.settle();
  assert.equal(takeTold(group), `exit [${ann.session}]`);
});

test("no more than fifty thousand wait", async () => {
  const kit = await FanoutKit.start();
  const join = (): Promise<unknown> => {
    const { session } = kit.client("ann", "api:x");
    const { ref } = kit;
    return ref.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).join(wanted(session));
  };
  const many = Array.from({ length: 50_000 }, join);
  const last = join();
  assert.equal(((await kit.kernel.until(last)) as { code?: string }).code, "unavailable");
  kit.search().answer(refuseRelay("group_not_found"));
  const refused = (await kit.kernel.until(Promise.all(many))) as { code?: string }[];
  assert.ok(refused.every(({ code }) => code === "group_not_found"));
  const again = join();
  await kit.settle();
  kit.search().answer(refuseRelay("muted"));
  assert.equal(((await kit.kernel.until(again)) as { code?: string }).code, "muted");
});

test("a channel of another kind is brought in by the chat functions", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = kit.client("ann", "api:main");
  const joining = kit.ref.ask.join(wanted(ann.session, { userId: "ann2" }));
  await kit.settle();
  await kit.found(group);
  const { no, userId } = takeEnter(group);
  assert.equal(userId, "ann2");
  const answer = accepted("ann2", { offset: 1, recovered: true, missed: ["m1"] });
  kit.tell.entered("g", no, { ...answer, presence: present("r1") });
  assert.deepEqual(await kit.kernel.until(joining), { ...answer, missed: [], presence: null });
  kit.tell.deliver("g", 2, "m2");
  await kit.settle();
  assert.deepEqual(ann.channel.taken(), ["msg m1", "msg m2"], "its presence is not of one group");
  const again = kit.ref.ask.join(wanted(ann.session, { userId: "ann2" }));
  await kit.settle();
  kit.tell.entered("g", takeEnter(group).no, { ...answer, offset: 2 });
  assert.equal((await kit.kernel.until(again)).ok, true);
  kit.tell.deliver("g", 3, "m3");
  await kit.settle();
  assert.deepEqual(ann.channel.taken(), ["msg m3"], "nothing comes twice");
  await kit.exit(ann.session);
  assert.equal(takeTold(group), `exit [${ann.session}]`);
  assert.equal((await kit.kernel.until(kit.ref.ask.join(wanted(ann.session)))).ok, false);
});

test("a join whose session ends is answered", async () => {
  const kit = await FanoutKit.start();
  const { session } = kit.client("ann", "api:main");
  const joining = kit.ref.ask.join(wanted(session));
  await kit.settle();
  await kit.exit(session);
  assert.equal((await kit.kernel.until(joining)).ok, false);
});

test("a group that must be new is not one that is here, and is looked for where none is", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const create = { kind: "private", isDurable: false, mustBeNew: true } as const;
  const ann = await kit.join(group, "ann");
  const bob = kit.client("bob", "api:main");
  const refused = await kit.kernel.until(kit.ref.ask.join(wanted(bob.session, { create })));
  assert.equal(refused.ok || refused.code, "group_exists");
  kit.tell.exit(ann.session);
  const joining = kit.ref.ask.join(wanted(bob.session, { create }));
  await kit.oneTurn();
  assert.equal(takeTold(group), `exit [${ann.session}]`);
  assert.deepEqual(kit.searches[0]?.intent, { type: "create", ...create, creator: "ann" });
  const rival = kit.ref.ask.join(wanted(bob.session, { create }));
  await kit.settle();
  const other = await kit.probe();
  await kit.found(other, true);
  kit.tell.entered("g", takeEnter(other).no, accepted("ann"));
  assert.equal((await kit.kernel.until(joining)).ok, true);
  const late = await kit.kernel.until(rival);
  assert.equal(late.ok || late.code, "group_exists");
});

test("a group that ends before it answers is looked for anew", async () => {
  const kit = await FanoutKit.start();
  const [group, other] = [await kit.probe(), await kit.probe()];
  const ann = kit.client("ann");
  kit.tell.enter(ann.session, "g", {});
  await kit.settle();
  await kit.found(group);
  const { no } = takeEnter(group);
  await kit.end(group);
  assert.deepEqual(kit.forgotten, ["g"]);
  assert.equal(kit.searches[0]?.intent.type, "create");
  await kit.found(other);
  assert.equal(takeEnter(other).no, no);
  kit.tell.entered("g", no, accepted("ann"));
  await kit.settle();
  assert.match(String(ann.channel.taken()), /^joined/);
});

test("one that moves before it answers is followed", async () => {
  const kit = await FanoutKit.start();
  const [group, other] = [await kit.probe(), await kit.probe()];
  const ann = kit.client("ann");
  kit.tell.enter(ann.session, "g", {});
  await kit.settle();
  await kit.found(group);
  const { no } = takeEnter(group);
  kit.tell.moved("g", asGroup(other));
  kit.tell.moved("g", asGroup(other));
  await kit.settle();
  assert.equal(takeEnter(other).no, no);
  other.record.expectNothing();
});

test("a pending one hears nothing until it is accepted", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const pending = member("ann", { status: "pending" });
  const { channel } = await kit.join(group, "ann", { member: pending, offset: 4 });
  assert.deepEqual(channel.taken(), ['joined {"status":"pending","epoch":"e1","offset":4}']);
  kit.tell.deliver("g", 5, "m5");
  kit.tell.presence("g", { joins: present("r0"), leaves: present() });
  await kit.settle();
  assert.deepEqual(channel.taken(), []);
  kit.tell.deliver("g", 8, "m8");
  kit.tell.changed("g", member("ann"), false, 8, present("r1"));
  kit.tell.deliver("g", 9, "m9");
  await kit.settle();
  assert.deepEqual(channel.taken(), [
    'relay_membership {"group_id":"g","role":"member","status":"active","epoch":"e1","offset":8}',
    'presence_state {"r1\'s user":{"metas":[{"phx_ref":"r1"}]}}',
    "msg m9",
  ]);
  kit.tell.changed("g", member("ann", { status: "muted" }), false, 9, null);
  kit.tell.deliver("g", 10, "m10");
  await kit.settle();
  assert.deepEqual(channel.taken(), [
    'relay_membership {"group_id":"g","role":"member","status":"muted"}',
    "msg m10",
  ]);
});

test("a fan-out of which nobody receives any more has missed nothing when somebody does", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const pending = member("ann", { status: "pending" });
  const { channel } = await kit.join(group, "ann", { member: pending });
  const bob = await kit.join(group, "bob");
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  await kit.exit(bob.session);
  kit.tell.changed("g", member("ann"), false, 3, null);
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  assert.deepEqual(channel.taken().slice(2), ["msg m4"]);
});

test("a session that asks again stays, though its first wish has timed out", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = kit.client("ann", "api:main");
  const ask = kit.ref.askWith({ timeoutMs: 60_000 });
  const first = ask.join(wanted(ann.session));
  await kit.settle();
  await kit.found(group);
  await kit.kernel.advance(3_000);
  const second = ask.join(wanted(ann.session));
  await kit.kernel.advance(2_000);
  assert.equal((await kit.kernel.until(first)).ok, false);
  kit.tell.entered("g", takeEnter(group).no, accepted("ann"));
  kit.tell.entered("g", takeEnter(group).no, accepted("ann"));
  assert.equal((await kit.kernel.until(second)).ok, true);
  await kit.settle();
  group.record.expectNothing();
});
