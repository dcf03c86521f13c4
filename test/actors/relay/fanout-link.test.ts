import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Client, heard, Threads } from "./threads-kit.ts";

/** What a client was told, but for presence. */
function told({ channel }: Client): string[] {
  return heard(channel).filter((it) => !it.startsWith("presence"));
}

test("who is accepted or removed while the way is full hears of it when there is room", async () => {
  const threads = await Threads.start("private");
  const ann = await threads.join(0, "ann");
  const [bob, cid, dan] = [
    await threads.join(1, "bob"),
    await threads.join(1, "cid"),
    await threads.join(1, "dan"),
  ];
  for (const userId of ["bob", "dan"]) await threads.operate("accept", userId);
  await threads.say("ann", "one");
  const makeRoom = threads.fill(1);
  await threads.say("ann", "two");
  await threads.operate("remove", "bob");
  await threads.operate("accept", "cid");
  await threads.say("ann", "three");
  makeRoom();
  await threads.say("ann", "four");
  await threads.kernel.advance(1_000);
  await threads.say("ann", "five");
  assert.deepEqual(told(ann), ["joined", "one", "two", "three", "four", "five"]);
  assert.deepEqual(told(bob), ["joined", "relay_membership", "one", "closed"]);
  assert.deepEqual(told(dan), [
    "joined",
    "relay_membership",
    "one",
    "two",
    "three",
    "four",
    "five",
  ]);
  assert.deepEqual(told(cid), ["joined", "relay_membership", "five"]);
  assert.deepEqual(await threads.members(), { ann: 1, cid: 1, dan: 1 });
});

test("what is not kept any more is told to be missing", async () => {
  const threads = await Threads.start("public", { history: { messages: 2, minutes: null } });
  const ann = await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  const makeRoom = threads.fill(1);
  for (const message of ["one", "two", "three"]) await threads.say("ann", message);
  makeRoom();
  await threads.kernel.advance(1_000);
  await threads.say("ann", "four");
  assert.deepEqual(told(ann), ["joined", "one", "two", "three", "four"]);
  const gap = bob.channel.lines.find((line) => line.startsWith("relay_gap"));
  assert.match(String(gap), /"from":1,"to":1,"reason":"lost"/);
  assert.deepEqual(told(bob), ["joined", "relay_gap", "two", "three", "four"]);
});

test("a join is answered when there is room, and one that was given up leaves nothing behind", async () => {
  const threads = await Threads.start("public");
  await threads.join(0, "ann");
  const makeRoom = threads.fill(1);
  const bob = await threads.join(1, "bob");
  const cid = await threads.join(1, "cid");
  assert.deepEqual(await threads.members(), { ann: 1, bob: 1, cid: 1 });
  await threads.kit(1).exit(cid.session);
  await threads.kernel.advance(3_000);
  makeRoom();
  await threads.kernel.advance(1_000);
  assert.deepEqual(await threads.members(), { ann: 1, bob: 1 });
  assert.equal(await threads.say("ann", "one"), 2);
  assert.deepEqual(told(bob), ["joined", "one"]);
  assert.deepEqual(told(cid), []);
  await threads.kit(1).exit(bob.session);
  assert.deepEqual(await threads.members(), { ann: 1 });
});

test("presence that there was no room for is there when there is", async () => {
  const threads = await Threads.start("public");
  await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  await threads.kernel.advance(200);
  bob.channel.taken();
  const makeRoom = threads.fill(1);
  await threads.join(0, "cid");
  await threads.kernel.advance(200);
  assert.deepEqual(bob.channel.lines, []);
  makeRoom();
  await threads.kernel.advance(3_000);
  assert.match(String(bob.channel.taken()), /^presence_state .*"ann".*"bob".*"cid"/);
});

test("a group that was deleted while the way was full is not rebuilt", async () => {
  const threads = await Threads.start("public");
  await threads.join(0, "ann");
  const bob = await threads.join(1, "bob");
  const makeRoom = threads.fill(1);
  await threads.kernel.until(threads.group?.ask.delete("ann") ?? Promise.reject());
  threads.group = null;
  await threads.kernel.settle();
  const { searches } = threads.kit(1);
  assert.deepEqual(
    searches.map(({ intent }) => intent.type),
    ["find"],
  );
  makeRoom();
  await threads.meet();
  assert.deepEqual(told(bob), ["joined", "closed"]);
  await threads.kernel.advance(20_000);
  assert.equal(searches.length, 0);
});

for (const isBehind of [true, false]) {
  const when = isBehind ? "after something else that there was no room for" : "first of all";
  test(`a group that moves while the way is full, ${when}, is followed with all that was said`, async () => {
    const threads = await Threads.start("public");
    const ann = await threads.join(0, "ann");
    const bob = await threads.join(1, "bob");
    const makeRoom = threads.fill(1);
    if (isBehind) await threads.say("ann", "one");
    const old = threads.group;
    const state = (await threads.kernel.until(old?.ask.export() ?? Promise.reject())) ?? null;
    assert.ok(old !== null && state !== null);
    threads.group = await threads.open({ type: "moved", state });
    old.tell.movedTo(threads.group);
    await threads.kernel.advance(2_000);
    await threads.say("ann", "two");
    makeRoom();
    await threads.kernel.advance(1_000);
    await threads.say("ann", "three");
    const said = isBehind ? ["one", "two", "three"] : ["two", "three"];
    for (const client of [ann, bob]) assert.deepEqual(told(client), ["joined", ...said]);
  });
}

test("a thread that is lost behind a full way is told nothing any more, with sessions or without", async () => {
  for (const maxMembers of [1, 9]) {
    const threads = await Threads.start("public", { maxMembers });
    await threads.join(0, "ann");
    threads.fill(1);
    await threads.join(1, "bob");
    await threads.say("ann", "one");
    const reason = { kind: "crash", message: "the test wants it" } as const;
    threads.kernel.kernel.signal(threads.kit(1).ref, { type: "kill", reason });
    await threads.kernel.advance(100_000);
    assert.equal(threads.kernel.clock.nextDueInMs, undefined);
    assert.deepEqual(await threads.members(), { ann: 1 });
  }
});

/** What a client has seen of the group: every message once, in order, or word that it misses it. */
class Reader {
  readonly client: Client;
  readonly thread: number;
  /** The next offset; null: it is not in yet. */
  next: number | null = null;

  constructor(client: Client, thread: number) {
    this.client = client;
    this.thread = thread;
  }

  read(): void {
    for (const line of this.client.channel.taken()) {
      const [event, text = ""] = line.split(/ (.*)/);
      const it = event === "closed" ? {} : JSON.parse(text);
      if (event === "joined") this.next = it.offset + 1;
      else if (event === "msg" || event === "relay_gap") {
        const [from, to] =
          event === "msg" ? [it.result.offset, it.result.offset] : [it.from, it.to];
        assert.equal(from, this.next, `session ${this.client.session}`);
        this.next = to + 1;
      }
    }
  }
}

const number = fc.nat({ max: 5 });
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("say" as const), number) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("join" as const), number) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("exit" as const), number) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("remove" as const), number) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("fill" as const), number) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("pass" as const), number) },
);

test("however the ways fill up, nobody misses a message unawares, and all agree who is here", async () => {
  const operations = fc.array(operation, { minLength: 5, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000 }), operations, async (seed, steps) => {
      const history = { messages: 3, minutes: null };
      const threads = await Threads.start("public", { history, messagesPerSecond: null }, seed);
      const host = new Reader(await threads.join(0, "host"), 0);
      let readers: Reader[] = [];
      const full: ((() => void) | undefined)[] = [];
      let users = 0;
      for (const [step, count] of steps) {
        const thread = count % 2;
        const reader = readers[count % Math.max(1, readers.length)];
        if (step === "say") await threads.say("host", "hi");
        else if (step === "join") {
          users += 1;
          readers.push(new Reader(await threads.join(thread, `user ${users}`), thread));
        } else if (step === "exit" && reader !== undefined) {
          reader.read();
          readers = readers.filter((one) => one !== reader);
          await threads.kit(reader.thread).exit(reader.client.session);
        } else if (step === "remove" && reader !== undefined) {
          const { userId } = reader.client.channel.caller;
          const there = await threads.members();
          if (userId !== null && userId in there) await threads.operate("remove", userId);
        } else if (step === "fill") {
          full[thread]?.();
          full[thread] = full[thread] === undefined ? threads.fill(thread) : undefined;
        } else if (step === "pass") await threads.kernel.advance(count * 100);
      }
      for (const makeRoom of full) makeRoom?.();
      await threads.kernel.advance(2_000);
      await threads.say("host", "the last one");
      const here: Record<string, number> = {};
      const last = host.client.channel.lines.findLast((line) => line.startsWith("msg "));
      const { offset } = JSON.parse(String(last).slice(4)).result;
      for (const reader of [host, ...readers]) {
        reader.read();
        if (!reader.client.channel.isOpen || reader.next === null) continue;
        assert.equal(reader.next, offset + 1, `session ${reader.client.session}`);
        here[String(reader.client.channel.caller.userId)] = 1;
      }
      assert.deepEqual(await threads.members(), here);
    }),
    { numRuns: 60 },
  );
});
