import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock, testKernel } from "#runtime/testing";
import { countAbortListeners } from "../../../runtime/actor/abort-listeners.ts";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import { ReplyError } from "../../../runtime/core/index.ts";
import { realKernel, start } from "./real-kernel.ts";

/** Answers when the test opens its gate. */
class Gate extends Actor {
  readonly #opened: Promise<string>;
  readonly #signals: AbortSignal[];

  constructor(opened: Promise<string>, signals: AbortSignal[] = []) {
    super();
    this.#opened = opened;
    this.#signals = signals;
  }

  wait(): Promise<string> {
    const message = this.context.message;
    if (message) this.#signals.push(message.signal);
    return this.#opened;
  }

  async signalTakenLate(): Promise<string> {
    const message = this.context.message;
    const text = await this.#opened;
    if (message) this.#signals.push(message.signal);
    return text;
  }

  remaining(): number {
    return this.context.message?.remainingMs ?? -1;
  }

  refuse(): never {
    throw new ReplyError("not_found", "no such user");
  }

  async refuseLater(): Promise<never> {
    await this.#opened;
    throw new ReplyError("not_found", "no such user");
  }
}

function failure(promise: Promise<unknown>): Promise<{ code: string; message: string }> {
  return promise.then(
    () => assert.fail("expected a rejection"),
    (error) => error,
  );
}

async function gate() {
  const t = testKernel();
  const opening = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  const ref = await t.spawn(Gate, { args: [opening.promise, signals] });
  const { asks } = t.kernel;
  const assertNothingPending = async (): Promise<void> => {
    await t.settle();
    assert.equal(asks.pending, 0);
    assert.equal(asks.deadlines, 0);
    await t.advance(16);
    assert.equal(t.clock.pendingTimers, 0);
  };
  return { t, ref, open: opening.resolve, signals, asks, assertNothingPending };
}

test("an answer that comes in time is the result", async () => {
  const { t, ref, open, asks, assertNothingPending } = await gate();
  const answer = ref.ask.wait();
  await t.advance(4_900);
  assert.equal(asks.pending, 1);
  open("open");
  assert.equal(await t.until(answer), "open");
  await assertNothingPending();
});

test("without an answer the ask fails at its deadline, not before, naming callee and method", async () => {
  const { t, ref, asks, assertNothingPending } = await gate();
  const error = failure(ref.askWith({ timeoutMs: 100 }).wait());
  await t.advance(99);
  assert.equal(asks.pending, 1);
  await t.advance(17);
  const { code, message } = await error;
  assert.equal(code, "ask_timeout");
  assert.match(message, new RegExp(`^${ref} did not answer wait within 100 ms$`));
  await assertNothingPending();
});

test("the default is 5,000 ms; Infinity waits for ever", async () => {
  const { t, ref, asks } = await gate();
  const error = failure(ref.ask.wait());
  void ref.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).wait();
  assert.equal(asks.deadlines, 1);
  await t.advance(4_999);
  assert.equal(asks.pending, 2);
  await t.advance(17);
  assert.equal((await error).code, "ask_timeout");
  await t.advance(1_000_000);
  assert.equal(asks.pending, 1);
});

test("an ask with a timeout of 0 fails at once when no answer is there", async () => {
  const { t, ref, assertNothingPending } = await gate();
  const error = failure(ref.askWith({ timeoutMs: 0 }).wait());
  await t.advance(16);
  assert.equal(t.kernel.asks.pending, 0);
  assert.equal((await error).code, "ask_timeout");
  await assertNothingPending();
});

test("a timeout that is no duration is a RangeError that names it", async () => {
  const { ref, assertNothingPending } = await gate();
  for (const timeoutMs of [-1, Number.NaN]) {
    await assert.rejects(ref.askWith({ timeoutMs }).wait(), {
      name: "RangeError",
      message: `timeoutMs: expected milliseconds >= 0, received ${timeoutMs}`,
    });
  }
  await assertNothingPending();
});

test("an AbortSignal ends the ask, and the callee's signal with it", async () => {
  const { t, ref, signals, assertNothingPending } = await gate();
  const controller = new AbortController();
  const error = failure(ref.askWith({ signal: controller.signal }).wait());
  await t.settle();
  assert.equal(signals[0]?.aborted, false);
  controller.abort();
  assert.equal((await error).code, "cancelled");
  assert.equal(signals[0]?.aborted, true);
  await assertNothingPending();
});

test("a signal that has fired keeps the message from being sent", async () => {
  const { t, ref, signals, assertNothingPending } = await gate();
  const error = await failure(ref.askWith({ signal: AbortSignal.abort() }).wait());
  assert.equal(error.code, "cancelled");
  await t.settle();
  assert.equal(signals.length, 0);
  await assertNothingPending();
});

test("an ask that is answered leaves no listener on its signal", async () => {
  const { t, ref, open } = await gate();
  open("open");
  const { signal } = new AbortController();
  const asked = ref.askWith({ signal }).wait();
  assert.equal(countAbortListeners(signal), 1);
  await t.until(asked);
  assert.equal(countAbortListeners(signal), 0);
});

test("the deadline aborts the callee's signal; so does one that is looked at afterwards", async () => {
  const { t, ref, open, signals } = await gate();
  const error = failure(ref.askWith({ timeoutMs: 50 }).signalTakenLate());
  await t.advance(100);
  assert.equal((await error).code, "ask_timeout");
  open("late");
  await t.settle();
  assert.equal(signals[0]?.aborted, true, "the asker has given up before the signal was looked at");
});

test("the time that is left travels with the message", async () => {
  const { t, ref } = await gate();
  assert.equal(await t.until(ref.askWith({ timeoutMs: 300 }).remaining()), 300);
  assert.equal(
    await t.until(ref.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).remaining()),
    Number.POSITIVE_INFINITY,
  );
});

test("late replies are dropped and counted", async () => {
  const { t, ref, open, asks, assertNothingPending } = await gate();
  const error = failure(ref.askWith({ timeoutMs: 10 }).wait());
  await t.advance(30);
  assert.equal((await error).code, "ask_timeout");
  assert.equal(asks.late, 0);
  open("late");
  await t.settle();
  assert.equal(asks.late, 1);
  await assertNothingPending();
});

test("work that nobody waits for any more is not begun", async () => {
  const { t, ref, open, signals } = await gate();
  void ref.askWith({ timeoutMs: 10_000 }).wait();
  const error = failure(ref.askWith({ timeoutMs: 10 }).wait());
  await t.advance(30);
  assert.equal((await error).code, "ask_timeout");
  open("open");
  await t.settle();
  assert.equal(signals.length, 1);
  assert.equal(t.kernel.deadLetters.total, 0);
});

test("a ReplyError reaches the asker as it is, and the actor goes on", async () => {
  const { t, ref, open } = await gate();
  open("open");
  for (const answer of [ref.ask.refuse(), ref.ask.refuseLater()]) {
    await assert.rejects(t.until(answer), { code: "not_found", message: "no such user" });
  }
  assert.equal(await t.until(ref.ask.wait()), "open");
  assert.equal(t.logLines.length, 0);
});

test("who asks an actor that is gone is told at once", async () => {
  const { t, ref } = await gate();
  t.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "test" } });
  assert.equal((await failure(ref.ask.wait())).code, "actor_stopped");
  const unknown = t.kernel.ref({ node: "0", thread: 0, id: 999, incarnation: 1 }) as ActorRef<Gate>;
  assert.equal((await failure(unknown.ask.wait())).code, "no_actor");
  const elsewhere = t.kernel.ref({ node: "0", thread: 7, id: 1, incarnation: 1 }) as ActorRef<Gate>;
  assert.equal((await failure(elsewhere.ask.wait())).code, "no_actor");
  assert.deepEqual(t.kernel.deadLetters.counts(), {
    actor_stopped: 1,
    no_actor: 1,
    thread_down: 1,
  });
  assert.equal(t.kernel.asks.pending, 0);
});

class Worker extends Actor {
  #release: (() => void) | null = null;

  answer(value: number): number {
    return value;
  }

  /** Keeps what comes after it waiting, until it is released from outside. */
  block(hold: { release: (() => void) | null }): Promise<void> {
    return new Promise((resolve) => {
      this.#release = resolve;
      hold.release = () => this.#release?.();
    });
  }
}

test("a million asks of which half time out leave no entry, deadline or timer behind", async () => {
  const clock = new ManualClock();
  const kernel = realKernel(clock);
  const quick = await start(kernel, Worker, []);
  const stuck = await start(kernel, Worker, []);
  const batch = 5_000;
  let answered = 0;
  let timedOut = 0;
  for (let round = 0; round < 100; round += 1) {
    const hold: { release: (() => void) | null } = { release: null };
    stuck.tell.block(hold);
    const waiting: Promise<unknown>[] = [];
    for (let i = 0; i < batch; i += 1) {
      waiting.push(
        quick.ask.answer(i).then(() => {
          answered += 1;
        }),
        stuck
          .askWith({ timeoutMs: 100 + (i % 1_000) })
          .answer(i)
          .catch((error) => {
            if (error.code === "ask_timeout") timedOut += 1;
          }),
      );
    }
    while (answered < (round + 1) * batch) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_200);
    await Promise.all(waiting);
    hold.release?.();
    await stuck.ask.answer(0);
  }
  assert.equal(answered, 500_000);
  assert.equal(timedOut, 500_000);
  assert.equal(kernel.asks.pending, 0);
  assert.equal(kernel.asks.deadlines, 0);
  clock.advance(16);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(kernel.find(stuck.id)?.waiting, 0);
});
