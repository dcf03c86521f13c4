import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActorRef } from "#runtime";
import type { Group } from "../../../actors/relay/group.ts";
import type { FakeChannel, FanoutKit } from "./fanout-kit.ts";
import { heard, Threads } from "./threads-kit.ts";

test("two threads chat in one order, and who comes back has missed nothing", async () => {
  const threads = await Threads.start("public");
  const ann = await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  const second = await threads.join(1, "bob");
  assert.equal(await threads.say("ann", "one"), 3);
  await (threads.kits[1] as FanoutKit).exit(bob.session);
  assert.equal(await threads.say("bob", "two"), 2);
  assert.deepEqual(
    [ann, second, bob].map(({ channel }) => heard(channel).filter((it) => !it.includes("_"))),
    [
      ["joined", "one", "two"],
      ["joined", "one", "two"],
      ["joined", "one"],
    ],
  );
  const info = await threads.kernel.until((threads.group as ActorRef<Group>).ask.info("ann"));
  assert.ok("info" in info);
  const back = await threads.join(0, "bob", { since: 1, epoch: info.info.epoch });
  assert.match(back.channel.lines[0] ?? "", /^joined .*"offset":2,"recovered":true\}$/);
  assert.deepEqual(heard(back.channel), ["joined", "two", "presence_state"]);
});

/** Who is here by what a client was told. */
function picture(channel: FakeChannel): string {
  const users = new Set<string>();
  for (const line of channel.lines) {
    const [event, text = ""] = line.split(/ (.*)/);
    if (event !== "presence_state" && event !== "presence_diff") continue;
    const told = JSON.parse(text);
    if (event === "presence_state") users.clear();
    for (const user of Object.keys(told.joins ?? told)) users.add(user);
    for (const user of Object.keys(told.leaves ?? {})) users.delete(user);
  }
  return [...users].sort().join(" ");
}

test("presence is one picture on all threads", async () => {
  const threads = await Threads.start("public");
  const ann = await threads.join(0, "ann");
  await threads.kernel.advance(200);
  const bob = await threads.join(1, "bob");
  const cat = await threads.join(1, "cat");
  await threads.kernel.advance(200);
  for (const { channel } of [ann, bob, cat]) assert.equal(picture(channel), "ann bob cat");
  await (threads.kits[1] as FanoutKit).exit(cat.session);
  await threads.kernel.advance(200);
  for (const { channel } of [ann, bob]) assert.equal(picture(channel), "ann bob");
});

test("a pending one receives from its acceptance on, and leaves when it is removed", async () => {
  const threads = await Threads.start("strict_private");
  const ann = await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  assert.equal(await threads.say("ann", "secret"), 1);
  const group = threads.group as ActorRef<Group>;
  await threads.kernel.until(group.ask.operate("accept", "ann", "bob"));
  assert.equal(await threads.say("ann", "hello"), 2);
  await threads.kernel.until(group.ask.operate("remove", "ann", "bob"));
  assert.equal(await threads.say("ann", "alone"), 1);
  const messages = ({ channel }: typeof ann): string[] =>
    heard(channel).filter((it) => !it.startsWith("presence"));
  assert.deepEqual(messages(ann), ["joined", "secret", "hello", "alone"]);
  assert.deepEqual(messages(bob), ["joined", "relay_membership", "hello", "closed"]);
});

test("a group that is lost is rebuilt by the fan-outs, and nobody misses anything unawares", async () => {
  const threads = await Threads.start("private");
  const ann = await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  const cat = await threads.join(1, "cat");
  const lost = threads.group as ActorRef<Group>;
  await threads.kernel.until(lost.ask.operate("accept", "ann", "bob"));
  await threads.say("ann", "one");
  threads.group = await threads.open({
    ...{ type: "claimed", kind: "private", isDurable: false, offset: 1 },
  });
  const reason = { kind: "crash", message: "the test wants it" } as const;
  threads.kernel.kernel.signal(lost, { type: "kill", reason });
  await threads.meet();
  assert.equal(await threads.say("bob", "two"), 2);
  const told = [ann, bob, cat].map(({ channel }) =>
    channel.lines.filter((line) => line.startsWith("relay_gap")),
  );
  for (const lines of told.slice(0, 2)) assert.match(String(lines), /"from":2,"to":1,"reason":"lo/);
  assert.deepEqual(told[2], []);
  const messages = ({ channel }: typeof ann): string[] =>
    heard(channel).filter((it) => !it.startsWith("presence"));
  assert.deepEqual(messages(ann), ["joined", "one", "relay_gap", "two"]);
  assert.deepEqual(messages(bob), ["joined", "relay_membership", "one", "relay_gap", "two"]);
  assert.deepEqual(messages(cat), ["joined"]);
});

test("a group that moves takes its members along, and what is said on the way arrives", async () => {
  const threads = await Threads.start("public");
  const [ann, bob] = [await threads.join(0, "ann"), await threads.join(1, "bob")];
  await threads.say("ann", "one");
  const old = threads.group as ActorRef<Group>;
  const state = await threads.kernel.until(old.ask.export());
  assert.ok(state !== null);
  const next = await threads.open({ type: "moved", state });
  threads.group = next;
  const early = next.ask.send({ userId: "ann", requestId: "r" }, '"two"');
  old.tell.movedTo(next);
  await threads.kernel.until(early);
  await threads.meet();
  assert.equal(await threads.say("bob", "three"), 2);
  for (const { channel } of [ann, bob]) {
    const messages = heard(channel).filter((it) => !it.startsWith("presence"));
    assert.deepEqual(messages, ["joined", "one", "two", "three"]);
  }
});

test("a group that is deleted is closed everywhere, and stays so", async () => {
  const threads = await Threads.start("public");
  const [ann, bob] = [await threads.join(0, "ann"), await threads.join(1, "bob")];
  await threads.kernel.until((threads.group as ActorRef<Group>).ask.delete("ann"));
  threads.group = null;
  await threads.meet();
  for (const { channel } of [ann, bob]) assert.equal(heard(channel).at(-1), "closed");
  for (const { searches } of threads.kits) assert.equal(searches.length, 0);
});
