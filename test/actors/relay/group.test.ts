import assert from "node:assert/strict";
import test from "node:test";
import type { GroupOrigin, SendAnswer } from "../../../actors/relay/group-messages.ts";
import type { GroupState } from "../../../actors/relay/group-state.ts";
import { GroupKit } from "./group-kit.ts";

const publicRoom: GroupOrigin = { type: "new", kind: "public", isDurable: false, creator: null };

test("a message reaches every session of every active member once, in one order", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "ann");
  await kit.enter(1, 1, "bob");
  assert.deepEqual(await kit.send("ann"), { ok: true, recipients: 3, offset: 1 });
  await kit.send("bob");
  for (const view of kit.fanouts) {
    for (const { offsets } of view.sessions.values()) assert.deepEqual(offsets, [1, 2]);
  }
});

test("one message goes to each fan-out, however many sessions it has", async () => {
  const kit = await GroupKit.start(publicRoom);
  for (let session = 1; session <= 5; session += 1) await kit.enter(0, session, `user ${session}`);
  await kit.send("user 1");
  assert.equal(kit.fanout(0).deliveries, 1);
  assert.equal(kit.fanout(1).deliveries, 0, "a fan-out without a session is told nothing");
});

test("a fan-out is told nothing while none of its sessions may receive", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "strict_private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.send("ann");
  assert.equal(kit.fanout(1).deliveries, 0);
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.send("ann");
  assert.equal(kit.fanout(1).deliveries, 1);
  await kit.exit(1, 1);
  await kit.send("ann");
  assert.equal(kit.fanout(1).deliveries, 1);
});

test("strangers, pending and muted members do not send", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "strict_private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "bob");
  const refused = async (userId: string): Promise<unknown> => {
    const answer = await kit.send(userId);
    return "ok" in answer && !answer.ok ? answer.code : answer;
  };
  assert.equal(await refused("eve"), "not_a_member");
  assert.equal(await refused("bob"), "membership_pending");
  await kit.kernel.until(kit.group.ask.operate("accept", "ann", "bob"));
  await kit.kernel.until(kit.group.ask.operate("mute", "ann", "bob"));
  await kit.settle();
  assert.equal(await refused("bob"), "muted");
  await kit.send("ann");
  assert.deepEqual(kit.fanout(0).sessions.get(2)?.offsets, [1], "muted ones receive");
});

test("who comes back gets what it missed, and is told when that is not known any more", async () => {
  const kit = await GroupKit.start(publicRoom, { history: { messages: 3, minutes: null } });
  await kit.enter(0, 1, "ann");
  for (let i = 0; i < 5; i += 1) await kit.send("ann");
  const { epoch } = kit.fanout(0);
  const missedBy = async (session: number, since: number, ofEpoch: string): Promise<unknown> => {
    const handle = kit.fanout(1);
    const before = handle.answers.length;
    await kit.enter(1, session, `user ${session}`, { since, epoch: ofEpoch });
    const answer = handle.answers[before];
    return answer?.ok ? [answer.recovered, answer.missed.length] : answer;
  };
  assert.deepEqual(await missedBy(1, 2, epoch), [true, 3]);
  assert.deepEqual(await missedBy(2, 5, epoch), [true, 0]);
  assert.deepEqual(await missedBy(3, 1, epoch), [false, 0], "the second one is not kept any more");
  assert.deepEqual(await missedBy(4, 5, "another"), [false, 0]);
});

test("when the last session of the last admin ends, the next one learns that it is admin", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  assert.equal(kit.fanout(1).members.get("bob")?.role, "member");
  await kit.exit(0, 1);
  assert.equal(kit.fanout(1).members.get("bob")?.role, "admin");
});

test("a group of nobody ends", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.send("ann");
  await kit.exit(0, 1);
  await kit.advance(29_999);
  assert.ok(!kit.isOver, "who was in it may come back");
  await kit.advance(1);
  assert.ok(kit.isOver);
});

test("a group of nobody in which nothing was said ends at once", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.exit(0, 1);
  assert.ok(kit.isOver);
});

test("members of a durable group stay when their sessions end", async () => {
  const kit = await GroupKit.start({ ...publicRoom, isDurable: true });
  await kit.enter(0, 1, "ann");
  await kit.exit(0, 1);
  await kit.advance(60_000);
  const answer = await kit.summary("ann");
  assert.deepEqual(answer, { groupId: "room", kind: "public", role: "admin", status: "active" });
});

test("a claim brings nobody back who left, or was removed", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  const claim = kit.fanout(1).claim("room", "public", false);
  await kit.kernel.until(kit.group.ask.operate("remove", "ann", "bob"));
  kit.group.tell.reenter(kit.fanout(1).ref, claim);
  await kit.settle();
  assert.equal(await kit.summary("bob"), null);
});

test("a lost group is rebuilt from the claims, under a new epoch, and counts on", async () => {
  const origin = { type: "claimed", kind: "private", isDurable: false, offset: 7 } as const;
  const kit = await GroupKit.start(origin);
  const of = (userId: string, role: "admin" | "member", joinedAt: number, session: number) => ({
    ...{ userId, role, joinedAt, status: "active" as const, version: 1 },
    sessions: [{ session, deviceId: null, meta: {}, isOfTopic: true }],
  });
  const claim = { groupId: "room", kind: "private", isDurable: false, epoch: "old" } as const;
  const bob = { ...claim, offset: 7, members: [of("bob", "member", 2, 1)] };
  const ann = { ...claim, offset: 9, members: [of("ann", "admin", 1, 1)] };
  kit.group.tell.reenter(kit.fanout(0).ref, bob);
  kit.group.tell.reenter(kit.fanout(1).ref, ann);
  await kit.settle();
  assert.notEqual(kit.fanout(0).epoch, "old");
  assert.deepEqual(await kit.send("bob"), { ok: true, recipients: 2, offset: 10 });
  const info = await kit.kernel.until(kit.group.ask.info(null));
  assert.ok("info" in info);
  assert.deepEqual(
    info.info.members.map(({ userId, role }) => [userId, role]),
    [
      ["ann", "admin"],
      ["bob", "member"],
    ],
  );
});

test("while it moves a group waits, then says where to", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.send("ann");
  const state = (await kit.kernel.until(kit.group.ask.export())) as GroupState;
  assert.equal(state.offset, 1);
  assert.deepEqual(state.connected, ["ann"]);
  const waiting = kit.group.ask.send({ userId: "ann", requestId: "r" }, "1");
  await kit.settle();
  const other = await GroupKit.start({ type: "moved", state });
  kit.group.tell.movedTo(other.group);
  const answer = await kit.kernel.until(waiting);
  assert.ok("moved" in answer);
  await kit.settle();
  const later = await kit.send("ann");
  assert.ok("moved" in later);
  other.group.tell.reenter(other.fanout(0).ref, kit.fanout(0).claim("room", "public", false));
  await other.settle();
  assert.equal(other.fanout(0).epoch, kit.fanout(0).epoch);
  assert.deepEqual(await other.send("ann"), { ok: true, recipients: 1, offset: 2 });
});

test("a move that fails changes nothing", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.kernel.until(kit.group.ask.export());
  const waiting = kit.group.ask.send({ userId: "ann", requestId: "r" }, "1");
  kit.group.tell.stay();
  assert.deepEqual(await kit.kernel.until(waiting), { ok: true, recipients: 1, offset: 1 });
});

test("who was connected and does not follow a move is a member no longer", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "bob");
  const state = (await kit.kernel.until(kit.group.ask.export())) as GroupState;
  const other = await GroupKit.start({ type: "moved", state });
  await other.enter(0, 1, "ann");
  await other.advance(10_000);
  assert.equal(await other.summary("bob"), null);
  assert.notEqual(await other.summary("ann"), null);
});

test("a copy that has gone on by itself begins a new epoch, and the fan-outs have to come again", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.send("ann", "one");
  const { epoch } = kit.fanout(0);
  const text = JSON.stringify({ result: { message: "another", offset: 1 } });
  const there = { offset: 1, at: 0, text };
  const own = { groupId: "room", kind: "public", isDurable: false, createdAt: 0 } as const;
  const copy = { ...own, epoch, offset: 1, members: [], messages: [there] };
  await kit.kernel.until(kit.group.ask.merge(copy));
  await kit.settle();
  assert.equal(kit.fanout(0).timesBehind, 1);
  kit.group.tell.reenter(kit.fanout(0).ref, kit.fanout(0).claim("room", "public", false));
  await kit.settle();
  assert.notEqual(kit.fanout(0).epoch, epoch);
  // The other copy's message is behind the own one.
  assert.deepEqual(await kit.send("ann"), { ok: true, recipients: 1, offset: 3 });
});

test("what a copy of the same epoch has said since is delivered", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  const { epoch } = kit.fanout(0);
  const said = [1, 2].map((offset) => ({ offset, at: 0, text: `message ${offset}` }));
  const own = { groupId: "room", kind: "public", isDurable: false, createdAt: 0 } as const;
  await kit.kernel.until(
    kit.group.ask.merge({ ...own, epoch, offset: 2, members: [], messages: said }),
  );
  await kit.send("ann");
  assert.deepEqual(kit.fanout(0).sessions.get(1)?.offsets, [1, 2, 3]);
});

test("limits: bytes of a message, messages of a second, members", async () => {
  const limits = { maxMessageBytes: 10, messagesPerSecond: 2, maxMembers: 2 };
  const kit = await GroupKit.start(publicRoom, limits);
  await kit.enter(0, 1, "ann");
  const code = (answer: unknown): unknown => (answer as SendAnswer & { code?: string }).code;
  assert.equal(code(await kit.send("ann", "123456789")), "message_too_large");
  assert.equal(code(await kit.send("ann", "12345678")), undefined);
  assert.equal(code(await kit.send("ann", "ä")), undefined);
  const third = await kit.send("ann", "x");
  assert.equal(code(third), "rate_limited");
  assert.equal((third as { retryAfterMs?: number }).retryAfterMs, 1_000);
  await kit.advance(1_000);
  assert.equal(code(await kit.send("ann", "x")), undefined);
  await kit.enter(0, 2, "bob");
  await kit.enter(0, 3, "cem");
  assert.deepEqual(kit.fanout(0).refusals, ["group_full"]);
});

test("a member that is pending founds nothing when all who were accepted stay away", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "private" });
  await kit.enter(0, 1, "ann");
  await kit.send("ann", "a secret");
  await kit.enter(1, 1, "eve");
  await kit.exit(0, 1);
  await kit.advance(10_000);
  await kit.exit(1, 1);
  await kit.advance(25_000);
  assert.ok(!kit.isOver, "it may come back");
  await kit.enter(1, 2, "eve", { since: 0 });
  assert.ok(kit.isOver);
  assert.equal(kit.fanout(1).answers.length, 1, "it looks for the next one");
});

test("a public group in which nothing was said ends with its last member, whoever was in it before", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.exit(0, 1);
  await kit.exit(1, 1);
  assert.ok(kit.isOver);
});

test("a group that has moved tells nothing more of those whose fan-out is lost", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  const state = (await kit.kernel.until(kit.group.ask.export())) as GroupState;
  const next = await GroupKit.start({ type: "moved", state }, {}, 0, kit.kernel);
  kit.group.tell.movedTo(next.group);
  await kit.settle();
  kit.kernel.kernel.find(kit.fanout(0).ref.id)?.stop({ kind: "killed", message: "killed" });
  await kit.settle();
  assert.equal(kit.fanout(1).members.get("bob")?.role, "member", "ann may come back");
});

test("a member whose fan-out is lost while a move fails is gone when the group goes on", async () => {
  const kit = await GroupKit.start(publicRoom);
  await kit.enter(0, 1, "ann");
  await kit.enter(1, 1, "bob");
  await kit.kernel.until(kit.group.ask.export());
  kit.kernel.kernel.find(kit.fanout(0).ref.id)?.stop({ kind: "killed", message: "killed" });
  await kit.settle();
  assert.equal(kit.fanout(1).members.get("bob")?.role, "member", "it is on its way");
  kit.group.tell.stay();
  await kit.settle();
  assert.equal(kit.fanout(1).members.get("bob")?.role, "admin");
});

test("a group whose last member leaves before its session has followed a move is over", async () => {
  const kit = await GroupKit.start({ ...publicRoom, kind: "private" });
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "eve");
  await kit.send("ann", "a secret");
  const state = (await kit.kernel.until(kit.group.ask.export())) as GroupState;
  const next = await GroupKit.start({ type: "moved", state });
  await next.kernel.until(next.group.ask.leave("ann"));
  await next.settle();
  assert.ok(next.isOver, "who is pending inherits nothing, and founds nothing in the next 10 s");
});
