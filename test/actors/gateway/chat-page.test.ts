import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { HomePage } from "../../../actors/gateway/home-page.ts";
import { decidePage } from "../../../actors/gateway/http.ts";
import { type ChatPeer, noBrowser, openChat } from "./fixtures/chat-stage.ts";

const demo: HomePage = {
  demo: true,
  name: "node",
  version: "0.1.0",
  channels: [{ topic: "chat:*", event: 'a"pi' }],
  functions: [],
};
const paths = ["/chat", "/chat.js", "/phoenix.min.js"];
const get = (path: string, home: HomePage = demo): ReturnType<typeof decidePage> =>
  decidePage("GET", path, { ready: true, home: () => home });

describe("the chat page", () => {
  it("is the demo's, where there are rooms", () => {
    for (const path of paths) {
      assert.equal(get(path).status, 200);
      assert.equal(get(path, { ...demo, demo: false }).status, 404);
      assert.equal(get(path, { ...demo, channels: [] }).status, 404);
    }
    assert.match(get("/").body, /href="\/chat"/);
    assert.doesNotMatch(get("/", { ...demo, channels: [] }).body, /href="\/chat"/);
  });

  it("loads nothing but its own files, and has no script in itself", () => {
    for (const path of paths) {
      const policy = get(path).headers["Content-Security-Policy"] ?? "";
      assert.match(policy, /^default-src 'none'; script-src 'self';/);
      assert.match(policy, /connect-src 'self'; .*frame-ancestors 'none'$/);
    }
    const { body } = get("/chat");
    assert.deepEqual(
      [...body.matchAll(/<script[^>]*src="([^"]*)"[^>]*>(.*?)<\/script>/g)].length,
      2,
    );
    assert.doesNotMatch(body, / on[a-z]+=/);
    assert.match(body, /data-event="a&quot;pi"/);
  });

  it("brings the official client as it is published", () => {
    const published = new URL(
      "../../../node_modules/phoenix/priv/static/phoenix.min.js",
      import.meta.url,
    );
    const { headers, body } = get("/phoenix.min.js");
    assert.equal(headers["Content-Type"], "text/javascript; charset=utf-8");
    assert.equal(body, readFileSync(published, "utf8"));
  });

  it("is refused to other methods", () => {
    for (const path of paths) {
      const { status, headers } = decidePage("POST", path, { ready: true, home: () => demo });
      assert.equal(status, 405);
      assert.equal(headers["Allow"], "GET, HEAD");
    }
  });
});

const topic = "chat:lobby";
const home: HomePage = { ...demo, channels: [{ topic: "chat:*", event: "api" }] };
const relayed = (offset: number, text: string): Record<string, unknown> => ({
  ...{ group_id: "lobby", from_user_id: "<i>bob", message: { text } },
  ...{ timestamp: "2026-01-02T03:04:05.000Z", offset },
});
const meta = (ref: string): object => ({
  metas: [{ phx_ref: ref, device_id: null, online_at: 1 }],
});

/** Answers a join and the call for the history behind it. */
async function admit(
  peer: ChatPeer,
  offset: number,
  earlier: readonly unknown[],
): Promise<unknown> {
  const join = await peer.next("phx_join");
  peer.reply(join, "ok", { status: "active", epoch: "e1", offset });
  const call = await peer.next("api");
  const result = { messages: earlier, has_more: false, epoch: "e1", offset };
  peer.reply(call, "ok", { success: true, result });
  return join[4];
}

describe("the chat page in a browser", { skip: noBrowser, concurrency: 2 }, () => {
  it("shows who is here and what is said, and says something", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?room=lobby&name=ann");
    await page.getByRole("button", { name: "Join" }).click();
    assert.deepEqual(await admit(peer, 2, [relayed(1, "one"), relayed(2, "two")]), {
      reply: "inline",
    });
    await page.getByText("You are here as ann.").waitFor();
    await page.getByText("two").waitFor();
    peer.push(topic, "api", { success: true, result: relayed(3, "<img src=x onerror=alert(1)>") });
    await page.getByText("<img src=x").waitFor();
    assert.match(
      (await page.locator("#messages").textContent()) ?? "",
      /<i>bobone.*<i>bobtwo.*<i>bob<img/,
    );

    peer.push(topic, "presence_state", { ann: meta("1"), bob: meta("2") });
    await page.getByRole("list", { name: "Here now" }).getByText("bob").waitFor();
    peer.push(topic, "presence_diff", { joins: { ann: meta("3") }, leaves: { bob: meta("2") } });
    await page.getByText("ann (2 devices)").waitFor();
    assert.deepEqual(await page.locator("#people li").allTextContents(), ["ann (2 devices) you"]);

    await page.getByLabel("Message", { exact: true }).fill("hello");
    await page.keyboard.press("Enter");
    const call = await peer.next("api");
    const { service, request_type, args } = call[4] as Record<string, unknown>;
    assert.deepEqual([service, request_type], ["chat_service", "send_message"]);
    assert.deepEqual(args, { group_id: "lobby", message: { text: "hello" } });
    peer.reply(call, "ok", { success: false, result: null, error: "You are muted" });
    await page.getByText("Not sent: “hello”. You are muted").waitFor();
    assert.deepEqual(failures, []);

    await page.getByRole("button", { name: "Leave" }).click();
    await peer.next("phx_leave");
    await page.getByText("You left the room.").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), "ann");
  });

  it("tells what it has seen when it comes back, and shows nothing twice", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?name=ann");
    await page.getByRole("button", { name: "Join" }).click();
    await admit(peer, 0, []);
    peer.push(topic, "api", { success: true, result: relayed(1, "one") });
    await page.getByText("one").waitFor();
    peer.cut();
    await page.getByText("The connection is lost").waitFor();
    const send = page.getByRole("button", { name: "Send" });
    assert.ok(await send.isDisabled(), "nothing can be sent now");
    const join = await peer.next("phx_join");
    assert.deepEqual(join[4], { reply: "inline", since: 1, epoch: "e1" });
    peer.reply(join, "ok", { status: "active", epoch: "e1", offset: 2, recovered: true });
    for (const [offset, text] of [
      [1, "one"],
      [2, "two"],
      [3, "three"],
    ] as const) {
      peer.push(topic, "api", { success: true, result: relayed(offset, text) });
    }
    await page.getByText("three").waitFor();
    assert.ok(await send.isEnabled());
    assert.equal(await page.locator("#messages li").count(), 3);

    peer.push(topic, "relay_gap", {
      group_id: "lobby",
      epoch: "e2",
      from: 4,
      to: 9,
      reason: "slow",
    });
    await page.getByText("Too slow: messages 4 to 9 were left out.").waitFor();
    peer.cut();
    const again = await peer.next("phx_join");
    assert.deepEqual(again[4], { reply: "inline", since: 9, epoch: "e2" });
    peer.reply(again, "ok", { status: "active", epoch: "e3", offset: 20, recovered: false });
    await page.getByText("Some messages may be missing here.").waitFor();
    peer.push(topic, "api", { success: true, result: relayed(21, "later") });
    await page.getByText("later").waitFor();
    assert.deepEqual(failures, []);
  });

  it("says why it may not in, and when it is put out", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?name=ann");
    await page.getByRole("button", { name: "Join" }).click();
    peer.reply(await peer.next("phx_join"), "error", { reason: "The group is full" });
    await page.getByText("The group is full").waitFor();
    await page.getByRole("button", { name: "Join" }).click();
    const join = await peer.next("phx_join");
    peer.reply(join, "ok", { status: "pending", epoch: "e1", offset: 7 });
    await page.getByText("Somebody in the room has to accept you first.").waitFor();
    const member = { group_id: "lobby", role: "member" };
    // The group is another one by now.
    const accepted = { ...member, status: "active", epoch: "e2", offset: 2 };
    peer.push(topic, "relay_membership", accepted);
    await page.getByText("You are here as ann.").waitFor();
    peer.push(topic, "api", { success: true, result: relayed(3, "welcome") });
    await page.getByText("welcome").waitFor();
    peer.push(topic, "relay_membership", { ...member, status: "muted" });
    await page.getByText("You are here as ann, and may not speak.").waitFor();
    peer.push(topic, "phx_close", {});
    await page.getByText("You are no longer in the room.").waitFor();
    await page.getByRole("button", { name: "Join" }).waitFor();
    assert.deepEqual(failures, []);
  });
});
