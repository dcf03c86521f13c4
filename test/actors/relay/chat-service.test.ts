import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import { serviceGroup } from "../../../actors/execution/index.ts";
import { type FunConfig, registryTable } from "../../../actors/registry/index.ts";
import { chatFunctionNames } from "../../../actors/relay/chat-functions.ts";
import { ChatService } from "../../../actors/relay/chat-service.ts";
import { startChat } from "./chat-kit.ts";

const room = { group_id: "room" };

describe("the chat functions", () => {
  it("are registered, all of them, for users who are known", async (t) => {
    const { system } = await startChat(t);
    const configs = Array.from(system.table<FunConfig>(registryTable).entries(), ([, one]) => one);
    assert.deepEqual(
      configs.map(({ requestType }) => requestType).sort(),
      [...chatFunctionNames].sort(),
    );
    for (const { service, mfa, requestType, checkPermission } of configs) {
      assert.equal(service, "chat_service");
      assert.deepEqual(mfa, { module: "chat_service", function: requestType, args: [] });
      assert.equal(checkPermission, "any_authenticated");
    }
    assert.equal(system.members(serviceGroup("chat_service")).length, 1);
  });

  it("have a method each", () => {
    for (const name of chatFunctionNames)
      assert.equal(typeof ChatService.prototype[name], "function");
  });

  it("bring the session that creates or joins a group into it", async (t) => {
    const { chat, as, channels } = await startChat(t);
    assert.deepEqual(await chat.ask.create_group(room, as("ada", 1)), {
      ...{ group_id: "room", type: "public", durable: false, role: "admin", status: "active" },
    });
    const joined = (await chat.ask.join_group(room, as("bob", 2))) as Record<string, unknown>;
    assert.deepEqual(Object.keys(joined), ["status", "epoch", "offset"]);
    assert.deepEqual([joined["status"], joined["offset"]], ["active", 0]);
    assert.deepEqual(await chat.ask.send_message({ ...room, message: { a: 1 } }, as("bob", 2)), {
      ...{ status: "relayed", recipients_count: 2, offset: 1 },
    });
    for (const session of [1, 2]) await channels.get(session)?.hears(1);
    assert.deepEqual(
      [1, 2, 3].map((session) => channels.get(session)?.offsets),
      [[1], [1], []],
    );
  });

  it("tell who comes back whether it has got all that it missed", async (t) => {
    const { chat, as, channels } = await startChat(t);
    await chat.ask.create_group(room, as("ada", 1));
    const { epoch } = (await chat.ask.join_group(room, as("bob", 2))) as { epoch: string };
    for (const message of [1, 2, 3]) {
      await chat.ask.send_message({ ...room, message }, as("ada", 1));
    }
    const again = await chat.ask.join_group({ ...room, since: 1, epoch }, as("bob", 3));
    assert.deepEqual(again, { status: "active", epoch, offset: 3, recovered: true });
    await channels.get(3)?.hears(2);
    assert.deepEqual(channels.get(3)?.offsets, [2, 3]);
    const late = await chat.ask.join_group({ ...room, since: 1, epoch: "another" }, as("bob", 4));
    assert.equal((late as { recovered: boolean }).recovered, false);
  });

  it("count no group against a user that was deleted while the user joined it", async (t) => {
    const { chat, as } = await startChat(t, { maxGroupsPerUser: 2 });
    const { ask } = chat;
    const refused = new Set<string>();
    for (let i = 0; i < 50; i += 1) {
      const one = { group_id: `short-${i}` };
      await ask.create_group(one, as("ada", 1));
      // The one after the other: how far the join has come by then is different each time.
      const joined = ask.join_group(one, as("bob", 2)).catch(({ code }) => refused.add(code));
      for (let turn = 0; turn < i % 10; turn += 1) await Promise.resolve();
      await ask.delete_group(one, as("ada", 1));
      await joined;
    }
    assert.ok(!refused.has("too_many_groups"), [...refused].join());
    await ask.create_group(room, as("ada", 1));
    await ask.join_group(room, as("bob", 2));
    const { groups } = (await ask.list_groups({}, as("bob", 2))) as { groups: unknown[] };
    assert.equal(groups.length, 1);
  });

  it("let one session into a group as one user alone", async (t) => {
    const { chat, as } = await startChat(t);
    const { ask } = chat;
    await ask.create_group(room, as("ada", 1));
    const both = await Promise.allSettled([
      ask.join_group(room, as("bob", 2)),
      ask.join_group(room, as("cid", 2)),
    ]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ["fulfilled", "rejected"],
    );
    await assert.rejects(ask.join_group(room, as("cid", 2)), { code: "invalid_request" });
    await ask.join_group(room, as("bob", 2));
    const { members } = (await ask.group_info(room, as("ada", 1))) as {
      members: { user_id: string; devices: number }[];
    };
    assert.deepEqual(
      members.map(({ user_id, devices }) => [user_id, devices]),
      [
        ["ada", 1],
        ["bob", 1],
      ],
    );
  });

  it("let members do what their roles allow, and say why not", async (t) => {
    const { chat, as } = await startChat(t);
    const { ask } = chat;
    await ask.create_group({ ...room, type: "strict_private" }, as("ada", 1));
    const pending = (await ask.join_group(room, as("bob", 2))) as { status: string };
    assert.equal(pending.status, "pending");
    const send = (userId: string, session: number): Promise<unknown> =>
      ask.send_message({ ...room, message: "x" }, as(userId, session));
    await assert.rejects(send("bob", 2), { code: "membership_pending" });
    await assert.rejects(send("eve", 3), { code: "not_a_member" });
    const bob = { ...room, user_id: "bob" };
    await assert.rejects(ask.accept_member(bob, as("eve", 3)), { code: "not_a_member" });
    const member = { user_id: "bob", role: "member" };
    assert.deepEqual(await ask.accept_member(bob, as("ada", 1)), { ...member, status: "active" });
    assert.deepEqual(await ask.mute_member(bob, as("ada", 1)), { ...member, status: "muted" });
    await assert.rejects(send("bob", 2), { code: "muted" });
    assert.deepEqual(await ask.unmute_member(bob, as("ada", 1)), { ...member, status: "active" });
    const admin = { ...member, role: "admin", status: "active" };
    assert.deepEqual(await ask.promote_member(bob, as("ada", 1)), admin);
    const ada = { ...room, user_id: "ada" };
    const demoted = { user_id: "ada", role: "member", status: "active" };
    assert.deepEqual(await ask.demote_member(ada, as("bob", 2)), demoted);
    const removed = { user_id: "ada", role: null, status: "removed" };
    assert.deepEqual(await ask.remove_member(ada, as("bob", 2)), removed);
    await assert.rejects(ask.delete_group(room, as("ada", 1)), { code: /not_admin|not_a_member/ });
    assert.deepEqual(await ask.delete_group(room, as("bob", 2)), { status: "deleted" });
    await assert.rejects(ask.group_info(room, as("bob", 2)), { code: "group_not_found" });
  });

  it("tell of a group, of the groups of a user, and of what was said", async (t) => {
    const { chat, as } = await startChat(t);
    const { ask } = chat;
    await ask.create_group(room, as("ada", 1));
    await ask.create_group({ group_id: "attic", type: "private" }, as("ada", 1));
    await ask.join_group(room, as("bob", 2));
    await ask.join_group(room, as("bob", 3));
    for (const message of ["a", "b", "c"]) {
      await ask.send_message({ ...room, message }, as("bob", 2));
    }
    const info = (await ask.group_info(room, as("bob", 2))) as Record<string, unknown>;
    const members = info["members"] as { joined_at: string }[];
    for (const { joined_at } of members) assert.match(joined_at, /^\d{4}-.*Z$/);
    assert.deepEqual(
      members.map(({ joined_at: _at, ...rest }) => rest),
      [
        { user_id: "ada", role: "admin", status: "active", devices: 1 },
        { user_id: "bob", role: "member", status: "active", devices: 2 },
      ],
    );
    assert.partialDeepStrictEqual(info, {
      ...{ group_id: "room", type: "public", durable: false, status: "active", role: "member" },
      ...{ members_count: 2, offset: 3 },
    });
    const strange = (await ask.group_info(room, as("eve"))) as Record<string, unknown>;
    assert.deepEqual([strange["status"], strange["role"]], [null, null]);
    assert.deepEqual(await ask.list_groups({}, as("ada", 1)), {
      groups: [
        { group_id: "attic", type: "private", role: "admin", status: "active" },
        { group_id: "room", type: "public", role: "admin", status: "active" },
      ],
    });
    assert.deepEqual(await ask.list_groups({}, as("eve")), { groups: [] });
    const page = (await ask.history({ ...room, limit: 2 }, as("bob", 2))) as {
      messages: { message: unknown; from_user_id: string; offset: number; group_id: string }[];
    };
    assert.deepEqual(
      page.messages.map(({ message, from_user_id, offset }) => [message, from_user_id, offset]),
      [
        ["b", "bob", 2],
        ["c", "bob", 3],
      ],
    );
    assert.deepEqual(Object.keys(page), ["messages", "has_more", "epoch", "offset"]);
    const first = await ask.history({ ...room, before: 2, limit: 2 }, as("bob", 2));
    assert.equal((first as { messages: unknown[] }).messages.length, 1);
    assert.deepEqual(await ask.leave_group(room, as("bob", 2)), { status: "left" });
    await assert.rejects(ask.history(room, as("bob", 2)), { code: "not_a_member" });
  });

  it("take null for what may be left out", async (t) => {
    const { chat, as } = await startChat(t);
    const { ask } = chat;
    const created = await ask.create_group({ ...room, type: null, durable: null }, as("ada", 1));
    assert.partialDeepStrictEqual(created, { type: "public", durable: false });
    const nothing = { meta: null, since: null, epoch: null };
    const joined = await ask.join_group({ ...room, ...nothing }, as("bob", 2));
    assert.deepEqual(Object.keys(joined as object), ["status", "epoch", "offset"]);
    await ask.send_message({ ...room, message: 1 }, as("bob", 2));
    const page = await ask.history({ ...room, before: null, limit: null }, as("bob", 2));
    assert.partialDeepStrictEqual(page, { messages: [{ message: 1 }], has_more: false });
  });

  it("make no group, and join none, whose name no topic would take", async (t) => {
    const { chat, as } = await startChat(t);
    const refusal = { code: "invalid_arguments", message: /^group_id: expected 1 to 200 bytes/ };
    const long = { group_id: "ä".repeat(101) };
    for (const info of [as("ada", 1), as("ada")]) {
      await assert.rejects(chat.ask.create_group(long, info), refusal);
    }
    await assert.rejects(chat.ask.join_group(long, as("ada", 1)), refusal);
    const longest = { group_id: "ä".repeat(100) };
    await chat.ask.create_group(longest, as("ada", 1));
    await chat.ask.join_group(longest, as("bob", 2));
  });

  it("serve who has no session, but for joining", async (t) => {
    const { chat, as } = await startChat(t);
    await chat.ask.create_group(room, as("ada"));
    assert.deepEqual(await chat.ask.send_message({ ...room, message: 1 }, as("ada")), {
      ...{ status: "relayed", recipients_count: 0, offset: 1 },
    });
    const refusal = { code: "invalid_request", message: /^join_group: only a session/ };
    await assert.rejects(chat.ask.join_group(room, as("bob")), refusal);
  });

  it("refuse who is nobody, what is there already, and what is kept nowhere", async (t) => {
    const { chat, as } = await startChat(t);
    await assert.rejects(chat.ask.create_group(room, as(null)), {
      code: "authentication_required",
    });
    await chat.ask.create_group(room, as("ada", 1));
    for (const session of [1, undefined]) {
      await assert.rejects(chat.ask.create_group(room, as("ada", session)), {
        code: "group_exists",
      });
    }
    const durable = chat.ask.create_group({ group_id: "d", durable: true }, as("ada", 1));
    await assert.rejects(durable, { code: "no_storage" });
    await assert.rejects(chat.ask.join_group({ group_id: "d" }, as("ada", 1)), {
      code: "group_not_found",
    });
    const meta = { long: "x".repeat(1_100) };
    await assert.rejects(chat.ask.join_group({ ...room, meta }, as("ada", 1)), {
      ...{ code: "invalid_arguments", message: /^meta: expected at most 1024 bytes/ },
    });
  });

  it("tell when a sender who is too fast may come back", async (t) => {
    const { chat, as } = await startChat(t, { messagesPerSecond: 1 });
    await chat.ask.create_group(room, as("ada", 1));
    // In one go: the second of the limit goes on while they are on their way.
    const [first, second] = await Promise.allSettled(
      [1, 2].map((message) => chat.ask.send_message({ ...room, message }, as("ada", 1))),
    );
    assert.equal(first?.status, "fulfilled");
    assert.ok(second?.status === "rejected");
    const error = second.reason;
    assert.equal(error.code, "rate_limited");
    assert.ok(error.retryAfterMs > 0 && error.retryAfterMs <= 1_000, String(error.retryAfterMs));
  });

  it("outlive a message that JSON cannot say", async (t) => {
    const { chat, as } = await startChat(t);
    await chat.ask.create_group(room, as("ada"));
    await assert.rejects(chat.ask.send_message({ ...room, message: 1n }, as("ada")), {
      code: "invalid_arguments",
    });
    await chat.ask.send_message({ ...room, message: null }, as("ada"));
  });

  it("cannot bring in a session whose fan-out is not there", async (t) => {
    const { chat, as } = await startChat(t);
    const elsewhere = { node: "0", thread: 7, id: 1 } as unknown as ActorRef;
    const info = { ...as("ada"), session: elsewhere };
    await assert.rejects(chat.ask.create_group(room, info), { code: "unavailable" });
  });
});
