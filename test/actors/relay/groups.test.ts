import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "#runtime";
import { listGroups } from "../../../actors/relay/group-listing.ts";
import { Groups, groups } from "../../../actors/relay/groups.ts";
import { refuseRelay } from "../../../actors/relay/refusal.ts";
import type { RelayRouter } from "../../../actors/relay/router.ts";
import { currentContext, ServiceError } from "../../../actors/service/index.ts";
import { startChat } from "./chat-kit.ts";

/** A router whose groups answer with `answer`, or fail with it when it is an Error. */
function routerWith(answer: unknown): RelayRouter {
  const ask = async (): Promise<unknown> => {
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { find: ask, ask, shardOf: () => undefined, forget: () => {} } as unknown as RelayRouter;
}

const answering = (answer: unknown): Groups => new Groups(() => routerWith(answer));

describe("groups, for services", () => {
  it("do as the node itself what members and admins may", async (t) => {
    const { chat, as } = await startChat(t);
    await groups.create("hall", { kind: "strict_private", admin: "ada" });
    await chat.ask.join_group({ group_id: "hall" }, as("bob", 2));
    const member = { userId: "bob", role: "member" };
    assert.partialDeepStrictEqual(await groups.accept("hall", "bob"), {
      ...{ ...member, status: "active" },
    });
    assert.partialDeepStrictEqual(await groups.mute("hall", "bob"), { status: "muted" });
    assert.partialDeepStrictEqual(await groups.unmute("hall", "bob"), { status: "active" });
    assert.partialDeepStrictEqual(await groups.promote("hall", "bob"), { role: "admin" });
    assert.partialDeepStrictEqual(await groups.demote("hall", "bob"), { role: "member" });
    assert.deepEqual(await groups.send("hall", { message: "hi" }), { recipients: 1, offset: 1 });
    const own = { from: "bob", message: { a: 1 }, requestId: "r" };
    assert.deepEqual(await groups.send("hall", own), { recipients: 1, offset: 2 });
    const { messages, hasMore } = await groups.history("hall", { limit: 5 });
    assert.deepEqual(
      messages.map(({ timestamp: _at, ...rest }) => rest),
      [
        { groupId: "hall", fromUserId: null, message: "hi", offset: 1 },
        { groupId: "hall", fromUserId: "bob", message: { a: 1 }, offset: 2 },
      ],
    );
    assert.equal(hasMore, false);
    assert.equal((await groups.history("hall", { before: 2 })).messages.length, 1);
    const { membersCount, kind } = await groups.info("hall");
    assert.deepEqual([membersCount, kind], [2, "strict_private"]);
    const summary = { groupId: "hall", kind: "strict_private", role: "member", status: "active" };
    assert.deepEqual(await groups.list("bob"), [summary]);
    await groups.remove("hall", "bob");
    assert.deepEqual(await groups.list("bob"), []);
    await groups.delete("hall");
    await assert.rejects(groups.info("hall"), { name: "RelayError", code: "group_not_found" });
  });

  it("are refused as members are, with the sender's own rights", async (t) => {
    await startChat(t);
    await groups.create("hall", { admin: "ada" });
    await assert.rejects(groups.create("hall"), (error) => {
      return error instanceof ServiceError && error.code === "group_exists";
    });
    await assert.rejects(groups.send("hall", { from: "eve", message: 1 }), {
      code: "not_a_member",
    });
    await assert.rejects(groups.remove("hall", "eve"), { code: "no_such_member" });
  });

  it("tell when to come back, and what nobody can know", async () => {
    const refusal = refuseRelay("rate_limited", { limit: 5, retryAfterMs: 70 });
    const limited = answering(refusal).send("g", { message: 1 });
    await assert.rejects(limited, { code: "rate_limited", retryAfterMs: 70 });
    for (const [code, expected] of [
      ["ask_timeout", "timeout"],
      ["cancelled", "cancelled"],
      ["thread_down", "outcome_unknown"],
      ["node_down", "outcome_unknown"],
      ["actor_crashed", "outcome_unknown"],
      ["link_full", "unavailable"],
    ] as const) {
      await assert.rejects(answering(new TroupeError(code, "x")).delete("g"), { code: expected });
    }
    const fault = new RangeError("a fault of this code");
    await assert.rejects(answering(fault).delete("g"), fault);
    await assert.rejects(answering(null).list("ada"), { code: "unavailable" });
  });

  it("refuse what is no argument before anybody is asked", async () => {
    const none = answering(new Error("it was asked"));
    const name = (field: string): RegExp => new RegExp(`^${field}: expected a non-empty string`);
    await assert.rejects(none.info(""), { name: "TypeError", message: name("groupId") });
    await assert.rejects(none.info("x".repeat(201)), {
      message: /^groupId: expected 1 to 200 bytes/,
    });
    await assert.rejects(none.accept("g", 7 as never), { message: name("userId") });
    await assert.rejects(none.create("g", { admin: "" }), { message: name("admin") });
    await assert.rejects(none.create("g", { kind: "open" as never }), {
      message: 'kind: expected public, private, strict_private, received "open"',
    });
    await assert.rejects(none.create("g", { durable: 1 as never }), { message: /^durable: / });
    await assert.rejects(none.send("g", { message: undefined }), {
      message: /^message: .*nothing$/,
    });
    await assert.rejects(none.send("g", { message: 1, from: "" }), { message: name("from") });
    await assert.rejects(none.send("g", { message: 1n }), { code: "invalid_arguments" });
    await assert.rejects(none.send("g", { message: () => 1 }), { code: "invalid_arguments" });
    await assert.rejects(none.history("g", { limit: 101 }), { message: /^limit: .* 1 to 100/ });
    await assert.rejects(none.history("g", { before: "1" as never }), { message: /^before: / });
  });

  it("are unavailable where no node runs", async () => {
    await assert.rejects(groups.info("hall"), { code: "unavailable" });
  });
});

describe("the list of groups", () => {
  it("has those whose names fit, the first ones described", async (t) => {
    await startChat(t);
    for (const name of ["red-1", "red-2", "blue", "a.c", "abc"])
      await groups.create(name, { admin: "ada" });
    await groups.send("blue", { message: 1 });
    const context = currentContext();
    assert.ok(context);
    const names = async (pattern: string | null, limit = 9): Promise<string[]> =>
      (await listGroups(context, pattern, limit)).groups.map(({ groupId }) => groupId);
    assert.deepEqual(await names(null), ["a.c", "abc", "blue", "red-1", "red-2"]);
    assert.deepEqual(await names("ed-"), ["red-1", "red-2"]);
    assert.deepEqual(await names("*-2"), ["red-2"]);
    assert.deepEqual(await names("r*1"), ["red-1"]);
    assert.deepEqual(await names("a.*"), ["a.c"]);
    assert.deepEqual(await names("d*"), []);
    const { total, groups: some, silent } = await listGroups(context, null, 3);
    assert.deepEqual([total, some.length, silent], [5, 3, 0]);
    const [, , blue] = some;
    assert.partialDeepStrictEqual(blue, {
      ...{ groupId: "blue", node: "local" },
      about: { kind: "public", isDurable: false, membersCount: 1, offset: 1 },
    });
    assert.match(blue?.pid ?? "", /^<0\.0\.\d+>$/);
  });
});
