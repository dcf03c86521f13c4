import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { Page } from "playwright-core";
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

/** What stands in the place of messages. */
const emptyText = (page: Page): Promise<string> =>
  page.evaluate("getComputedStyle(document.querySelector('#messages'), '::before').content");

/** Takes the next call, which is to be one for the history; answers it, and returns its `before`. */
async function tellHistory(
  peer: ChatPeer,
  offset: number,
  earlier: readonly unknown[],
  hasMore = false,
): Promise<unknown> {
  const call = await peer.next("api");
  const { request_type, args } = call[4] as Record<string, Record<string, unknown>>;
  assert.equal(request_type, "history");
  const result = { messages: earlier, has_more: hasMore, epoch: "e1", offset };
  peer.reply(call, "ok", { success: true, result });
  return args?.["before"];
}

/** Answers a join and the call for the history behind it. */
async function admit(
  peer: ChatPeer,
  offset: number,
  earlier: readonly unknown[],
  hasMore = false,
): Promise<unknown> {
  const join = await peer.next("phx_join");
  peer.reply(join, "ok", { status: "active", epoch: "e1", offset });
  assert.equal(await tellHistory(peer, offset, earlier, hasMore), offset + 1);
  return join[4];
}

/** Says something in the room, and refuses it. */
async function refuse(page: Page, peer: ChatPeer, text: string, error: string): Promise<unknown> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  const call = await peer.next("api");
  peer.reply(call, "ok", { success: false, result: null, error });
  return call[4];
}

describe("the chat page in a browser", {
  ...{ skip: noBrowser, concurrency: 2, timeout: 300_000 },
}, () => {
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

    const input = page.getByLabel("Message", { exact: true });
    await input.fill("   ");
    await page.keyboard.press("Enter");
    assert.equal(await input.inputValue(), "", "nothing is left of it, and nothing sent");
    const call = await refuse(page, peer, "hello", "You are muted");
    const { service, request_type, args } = call as Record<string, unknown>;
    assert.deepEqual([service, request_type], ["chat_service", "send_message"]);
    assert.deepEqual(args, { group_id: "lobby", message: { text: "hello" } });
    await page.getByText("Not sent: “hello”. You are muted").waitFor();
    assert.deepEqual(failures, []);

    await page.getByRole("button", { name: "Leave" }).click();
    await peer.next("phx_leave");
    await page.getByText("You left the room.").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), "ann");
  });

  it("tells the same refusal on one line", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?name=ann");
    await page.getByRole("button", { name: "Join" }).click();
    await admit(peer, 0, []);
    const notes = page.locator("#messages .note");
    await refuse(page, peer, "one", "You are muted");
    await page.getByText("Not sent: “one”. You are muted").waitFor();
    peer.push(topic, "api", { success: true, result: relayed(1, "hi") });
    await page.getByText("hi", { exact: true }).waitFor();
    await refuse(page, peer, "two", "You are muted");
    await page.getByText("Not sent: “two”, nor the one before it. You are muted").waitFor();
    await refuse(page, peer, "three", "You are muted");
    const last = "Not sent: “three”, nor the 2 before it. You are muted";
    await page.getByText(last).waitFor();
    assert.deepEqual(await notes.allTextContents(), [last]);
    assert.equal(await page.locator("#messages li").last().textContent(), last);

    await refuse(page, peer, "four", "Too fast");
    await page.getByText("Not sent: “four”. Too fast").waitFor();
    await page.getByLabel("Message", { exact: true }).fill("five");
    await page.keyboard.press("Enter");
    peer.reply(await peer.next("api"), "ok", { success: true, result: { status: "relayed" } });
    await refuse(page, peer, "six", "Too fast");
    await page.getByText("Not sent: “six”. Too fast").waitFor();
    assert.equal(await notes.count(), 3);
    assert.deepEqual(failures, []);
  });

  it("shows older messages page by page, and what is read stays in its place", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?name=ann");
    const range = (from: number, to: number): unknown[] =>
      Array.from({ length: to - from + 1 }, (_, index) =>
        relayed(from + index, `message ${from + index}.`),
      );
    const more = page.getByRole("button", { name: "Show older" });
    await page.getByRole("button", { name: "Join" }).click();
    await admit(peer, 90, range(41, 90), true);
    await page.getByText("message 90.").waitFor();
    const first = page.getByText("message 41.");
    const scroll = (): Promise<number[]> =>
      page.evaluate("((log) => [log.scrollTop, log.scrollHeight - log.clientHeight])(log)");
    const [top, end] = await scroll();
    assert.ok(top !== undefined && end !== undefined && top > 0 && Math.abs(end - top) < 2);

    await more.click();
    const place = await first.boundingBox();
    assert.equal(await tellHistory(peer, 90, range(11, 40), true), 41);
    await page.getByText("message 11.").waitFor();
    assert.ok(Math.abs(((await first.boundingBox())?.y ?? 0) - (place?.y ?? -100)) < 2);

    await more.click();
    peer.reply(await peer.next("api"), "ok", { success: false, error: "No answer" });
    await page.getByText("What was said before could not be loaded. No answer").waitFor();
    await more.click();
    assert.equal(await tellHistory(peer, 90, range(1, 10)), 11);
    await page.getByText("message 1.").waitFor();
    assert.ok(await more.isHidden(), "there is nothing older");
    const texts = await page.locator("#messages li:not(.note) span").allTextContents();
    assert.deepEqual(
      texts,
      Array.from({ length: 90 }, (_, index) => `message ${index + 1}.`),
    );
    assert.deepEqual(failures, []);
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

  it("says that nothing has been said only where that is so", async (t) => {
    const { page, peer, failures } = await openChat(t, home, "/chat?name=ann");
    await page.getByRole("button", { name: "Join" }).click();
    peer.reply(await peer.next("phx_join"), "ok", { status: "active", epoch: "e1", offset: 0 });
    await page.getByText("You are here as ann.").waitFor();
    assert.equal(await emptyText(page), '""', "nobody knows yet");
    await tellHistory(peer, 0, []);
    await page.locator("#messages[data-empty^='Nothing has been said yet']").waitFor();
    assert.match(await emptyText(page), /^"Nothing has been said yet/);
    await page.getByRole("button", { name: "Leave" }).click();
    await page.getByRole("button", { name: "Join" }).click();
    await admit(peer, 7, []);
    await page.locator("#messages[data-empty$='is not kept.']").waitFor();
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
    assert.match(await emptyText(page), /shown to those who have been accepted/);
    assert.ok(await page.getByRole("list", { name: "Here now" }).isHidden(), "that is not told");
    const member = { group_id: "lobby", role: "member" };
    // The group is another one by now.
    const accepted = { ...member, status: "active", epoch: "e2", offset: 2 };
    peer.push(topic, "relay_membership", accepted);
    await page.getByText("You are here as ann.").waitFor();
    peer.push(topic, "api", { success: true, result: relayed(3, "welcome") });
    assert.equal(await tellHistory(peer, 3, [relayed(1, "one"), relayed(2, "two")]), 3);
    await page.getByText("two").waitFor();
    assert.deepEqual(await page.locator("#messages span").allTextContents(), [
      ...["one", "two", "welcome"],
    ]);
    peer.push(topic, "relay_membership", { ...member, status: "muted" });
    await page.getByText("You are here as ann, and may not speak.").waitFor();
    peer.push(topic, "phx_close", {});
    await page.getByText("You are no longer in the room.").waitFor();
    await page.getByRole("button", { name: "Join" }).waitFor();
    assert.deepEqual(failures, []);
  });
});
