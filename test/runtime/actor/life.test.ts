import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock, testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import type { ExitReason } from "../../../runtime/core/index.ts";
import { hostileError } from "../../fixtures/hostile-error.ts";
import { Turnstile } from "./turnstile.ts";

/** Notes what happens to it; `init` waits for a promise, `slow` at a turnstile of the test. */
class Noted extends Actor {
  readonly #log: string[];
  readonly #ready: Promise<void> | null;
  readonly #turnstile: Turnstile;

  constructor(log: string[], ready: Promise<void> | null = null, turnstile = new Turnstile()) {
    super();
    this.#log = log;
    this.#ready = ready;
    this.#turnstile = turnstile;
    log.push("constructor");
  }

  protected override async init(): Promise<void> {
    this.#log.push("init");
    await this.#ready;
    this.#log.push("ready");
  }

  note(text: string): void {
    this.#log.push(text);
  }

  async slow(text: string): Promise<string> {
    this.#log.push(`begin ${text}`);
    await this.#turnstile.wait();
    this.#log.push(`end ${text}`);
    return text;
  }

  thenTwice(): object {
    return {
      // biome-ignore lint/suspicious/noThenProperty: a promise that calls back twice is the point
      then(resolve: (value: string) => void): void {
        resolve("once");
        resolve("twice");
      },
    };
  }
}

test("constructor, init, then the messages that came meanwhile, in order", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ready = Promise.withResolvers<void>();
  const spawning = t.kernel.spawnHere(Noted, [log, ready.promise], {}, null);
  let spawned = false;
  void spawning.then(() => {
    spawned = true;
  });
  assert.deepEqual(log, [], "nothing of the actor runs before its first turn");
  await t.settle();
  const cell = [...t.kernel.cells()].at(-1);
  const ref = cell?.ref as ActorRef<Noted>;
  for (const text of ["1", "2", "3"]) assert.equal(ref.tell.note(text), true);
  await t.settle();
  assert.deepEqual(log, ["constructor", "init"]);
  assert.equal(spawned, false);
  ready.resolve();
  await t.until(spawning);
  await t.settle();
  assert.deepEqual(log, ["constructor", "init", "ready", "1", "2", "3"]);
  assert.equal(t.clock.pendingTimers, 0, "the limit of init is cancelled");
});

test("one message at a time: a promise is awaited before the next message begins", async () => {
  for (let seed = 0; seed < 20; seed += 1) {
    const t = testKernel({ seed });
    const log: string[] = [];
    const turnstile = new Turnstile();
    const ref = await t.spawn(Noted, { args: [log, null, turnstile] });
    log.length = 0;
    const answers = Promise.all(["a", "b", "c"].map((text) => ref.ask.slow(text)));
    ref.tell.note("last");
    for (let i = 0; i < 3; i += 1) {
      await t.settle();
      assert.equal(turnstile.waiting, 1);
      turnstile.letOne();
    }
    assert.deepEqual(await t.until(answers), ["a", "b", "c"]);
    await t.settle();
    assert.deepEqual(log, ["begin a", "end a", "begin b", "end b", "begin c", "end c", "last"]);
  }
});

test("with concurrency n, n messages at once and no more", async () => {
  const t = testKernel();
  const turnstile = new Turnstile();
  const ref = await t.spawn(Noted, { args: [[], null, turnstile], concurrency: 3 });
  const answers = Promise.all(Array.from({ length: 10 }, (_, i) => ref.ask.slow(`${i}`)));
  for (let left = 10; left > 0; left -= 1) {
    await t.settle();
    assert.equal(turnstile.waiting, Math.min(3, left));
    assert.equal(t.kernel.find(ref.id)?.active, Math.min(3, left));
    turnstile.letOne();
  }
  assert.equal((await t.until(answers)).length, 10);
  assert.equal(t.kernel.find(ref.id)?.active, 0);
});

test("a thenable that calls back twice does not let two messages in at once", async () => {
  const t = testKernel();
  const turnstile = new Turnstile();
  const ref = await t.spawn(Noted, { args: [[], null, turnstile] });
  assert.equal(await t.until(ref.ask.thenTwice()), "once");
  for (const text of ["a", "b", "c"]) ref.tell.slow(text);
  await t.settle();
  assert.equal(turnstile.waiting, 1);
});

class Failing extends Actor {
  constructor(where: string) {
    super();
    if (where === "constructor") throw new RangeError("bad constructor");
    this.#where = where;
  }
  readonly #where: string;

  protected override init(): void | Promise<void> {
    if (this.#where === "init") throw new RangeError("bad init");
    if (this.#where === "promise") return Promise.reject(new RangeError("bad promise"));
    if (this.#where === "never") return new Promise(() => {});
  }

  hello(): string {
    return "hello";
  }
}

for (const where of ["constructor", "init", "promise"]) {
  test(`a failure to start in the ${where} rejects spawn with the cause`, async () => {
    const t = testKernel();
    await assert.rejects(t.spawn(Failing, { args: [where] }), (error: Error & { code: string }) => {
      assert.equal(error.code, "start_failed");
      assert.equal(error.message, `Failing did not start: bad ${where}`);
      assert.ok(error.cause instanceof RangeError);
      return true;
    });
    await t.settle();
    assert.equal([...t.kernel.cells()].filter((cell) => cell.info.name === "Failing").length, 0);
    assert.equal(t.clock.pendingTimers, 0);
  });
}

test("messages to an actor that fails to start are dead letters, and their askers are told", async () => {
  const t = testKernel();
  const spawning = t.kernel.spawnHere(Failing, ["promise"], {}, null);
  spawning.catch(() => {});
  const ref = [...t.kernel.cells()].at(-1)?.ref as ActorRef<Failing>;
  ref.tell.hello();
  const answer = ref.ask.hello();
  await assert.rejects(t.until(answer), { code: "actor_stopped" });
  await assert.rejects(spawning);
  assert.deepEqual(t.kernel.deadLetters.counts(), { actor_stopped: 2 });
});

test("init that takes longer than its time is given up, and named", async () => {
  const t = testKernel();
  const spawning = t.kernel.spawnHere(Failing, ["never"], { startTimeoutMs: 100 }, null);
  const failed = assert.rejects(spawning, {
    code: "start_failed",
    message: "Failing did not start: init took longer than 100 ms",
  });
  await t.advance(99);
  assert.equal([...t.kernel.cells()].at(-1)?.state, "starting");
  await t.advance(1);
  await failed;
  assert.equal(t.clock.pendingTimers, 0);
});

class Crashing extends Actor {
  readonly #log: string[];

  constructor(log: string[] = []) {
    super();
    this.#log = log;
  }

  boom(): void {
    throw new RangeError("boom");
  }

  async boomLater(): Promise<void> {
    await Promise.resolve();
    throw new RangeError("boom");
  }

  boomHostile(): void {
    throw hostileError();
  }

  never(): Promise<void> {
    const signal = this.context.message?.signal;
    signal?.addEventListener("abort", () => this.#log.push("aborted"));
    return new Promise(() => {});
  }

  hello(): string {
    return "hello";
  }

  protected override terminate(reason: ExitReason): void {
    this.#log.push(`${reason.kind}: ${reason.message}`);
  }
}

for (const method of ["boom", "boomLater"] as const) {
  test(`a method that throws crashes the actor: asker, waiting messages and log are told (${method})`, async () => {
    const t = testKernel();
    const log: string[] = [];
    const ref = await t.spawn(Crashing, { args: [log], name: "crasher", restarts: 3 });
    const answer = ref.ask[method]();
    const behind = ref.ask.hello();
    ref.tell.hello();
    const behindFailed = assert.rejects(behind, { code: "actor_stopped" });
    await assert.rejects(t.until(answer), (error: Error & { code: string }) => {
      assert.equal(error.code, "actor_crashed");
      assert.ok(error.cause instanceof RangeError);
      return true;
    });
    await behindFailed;
    await t.settle();
    assert.deepEqual(log, ["crash: RangeError: boom"]);
    assert.equal(t.kernel.find(ref.id), undefined);
    assert.deepEqual(t.kernel.deadLetters.counts(), { actor_stopped: 2 });
    const line = t.logLines.find((it) => it.includes("actor crashed")) ?? "";
    for (const part of ["crasher", String(ref), method, "boom", "restarts=3"]) {
      assert.ok(line.includes(part), `${part} in ${line}`);
    }
  });
}

test("what cannot be asked what it is crashes the actor that throws it alone", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await t.spawn(Crashing, { args: [log] });
  await assert.rejects(t.until(ref.ask.boomHostile()), { code: "actor_crashed" });
  await t.settle();
  assert.match(log.join(), /^crash: .*hostile$/);
  assert.equal(t.kernel.find(ref.id), undefined);
});

test("a crash fails the other messages in progress; they are told before terminate", async () => {
  const t = testKernel();
  const log: string[] = [];
  const ref = await t.spawn(Crashing, { args: [log], concurrency: 2 });
  const other = assert.rejects(ref.ask.never(), { code: "abandoned" });
  await t.settle();
  ref.tell.boom();
  await t.settle();
  await t.until(other);
  assert.deepEqual(log, ["aborted", "crash: RangeError: boom"]);
  assert.equal(t.kernel.asks.pending, 0);
});

test("an actor is not constructed with new, not even by another actor", async () => {
  assert.throws(() => new Crashing(), {
    name: "TypeError",
    message: "Crashing: an actor is spawned, not constructed with new",
  });
  class Nesting extends Actor {
    readonly inner = new Crashing();
  }
  await assert.rejects(testKernel().spawn(Nesting), { code: "start_failed" });
});

test("options that make no sense are refused by name, not obeyed", async () => {
  const t = testKernel();
  const bad = [
    { concurrency: 0 },
    { concurrency: Number.NaN },
    { mailboxCapacity: -1 },
    { mailboxCapacity: Number.NaN },
    { shutdownMs: -1 },
    { startTimeoutMs: Number.NaN },
  ];
  for (const options of bad) {
    const field = Object.keys(options)[0] as string;
    await assert.rejects(
      t.spawn(Crashing, options),
      (error: Error) => error.message.includes(field) && /RangeError|TypeError/.test(error.name),
      field,
    );
  }
});

test("the same seed takes the same steps, others find other orders", async () => {
  const order = async (seed: number): Promise<string> => {
    const t = testKernel({ seed, clock: new ManualClock() });
    const log: string[] = [];
    const refs = [
      await t.spawn(Noted, { args: [[]] }),
      await t.spawn(Noted, { args: [log] }),
      await t.spawn(Noted, { args: [log] }),
      await t.spawn(Noted, { args: [log] }),
    ];
    log.length = 0;
    refs.forEach((ref, i) => {
      for (const text of ["a", "b"]) ref.tell.note(`${i}${text}`);
    });
    await t.settle();
    return log.join(" ");
  };
  const orders = new Set<string>();
  for (let seed = 0; seed < 10; seed += 1) {
    const first = await order(seed);
    assert.equal(await order(seed), first);
    orders.add(first);
  }
  assert.ok(orders.size > 3, `${orders.size} orders of 10 seeds`);
});
