import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { ManualClock } from "#runtime/testing";
import {
  Actor,
  type ActorRef,
  Dispatcher,
  messagesPerTurn,
  type Runnable,
  yieldAfterMs,
} from "../../../runtime/actor/index.ts";
import { systemClock } from "../../../runtime/core/index.ts";
import { realKernel, start } from "./real-kernel.ts";

const loopRound = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Notes its turns; each lasts `turnMs` of the manual clock. */
class Turns implements Runnable {
  readonly limits: number[] = [];
  readonly #name: string;
  readonly #log: string[];
  readonly #clock: ManualClock;
  readonly #turnMs: number;
  #left: number;

  constructor(name: string, log: string[], clock: ManualClock, turns: number, turnMs = 0) {
    this.#name = name;
    this.#log = log;
    this.#clock = clock;
    this.#left = turns;
    this.#turnMs = turnMs;
  }

  runTurn(limit: number): boolean {
    this.limits.push(limit);
    this.#log.push(this.#name);
    this.#clock.advance(this.#turnMs);
    this.#left -= 1;
    return this.#left > 0;
  }
}

function dispatcher(clock: ManualClock, slow: number[] = []): Dispatcher {
  return new Dispatcher(clock, 50, (_runnables, durationMs) => slow.push(durationMs));
}

test("those that are ready take turns of 64 messages, first come first served", async () => {
  const clock = new ManualClock();
  const scheduler = dispatcher(clock);
  const log: string[] = [];
  const a = new Turns("a", log, clock, 3);
  scheduler.ready(a);
  scheduler.ready(new Turns("b", log, clock, 1));
  scheduler.ready(new Turns("c", log, clock, 2));
  assert.deepEqual(log, [], "nothing runs inside ready");
  await loopRound();
  assert.deepEqual(log, ["a", "b", "c", "a", "c", "a"]);
  assert.deepEqual(a.limits, [messagesPerTurn, messagesPerTurn, messagesPerTurn]);
});

test("turns that are long leave the event loop waiting for 2 ms, not more", async () => {
  const clock = new ManualClock();
  const scheduler = dispatcher(clock);
  const log: string[] = [];
  scheduler.ready(new Turns("turn", log, clock, 40, 1));
  const rounds = (async () => {
    while (log.filter((it) => it === "turn").length < 40) {
      await loopRound();
      log.push("loop");
    }
  })();
  await rounds;
  const runs = log
    .join("")
    .split("loop")
    .map((it) => it.length / "turn".length);
  // The first look at the clock comes after eight turns; from then on it is known that turns are long.
  assert.ok((runs[0] ?? 0) <= 8, `${runs}`);
  assert.ok(Math.max(...runs.slice(1)) <= yieldAfterMs + 1, `${runs} turns of 1 ms in a row`);
});

test("a turn over the limit is reported with its length", async () => {
  const clock = new ManualClock();
  const slow: number[] = [];
  const scheduler = dispatcher(clock, slow);
  for (const turnMs of [50, 51, 3]) {
    scheduler.ready(new Turns("a", [], clock, 1, turnMs));
    await loopRound();
    await loopRound();
  }
  assert.deepEqual(slow, [51]);
});

test("a flush runs after the present turns, once", async () => {
  const clock = new ManualClock();
  const scheduler = dispatcher(clock);
  const log: string[] = [];
  scheduler.onIdle(() => log.push("flush"));
  scheduler.ready(new Turns("a", log, clock, 2));
  await loopRound();
  await loopRound();
  assert.deepEqual(log, ["a", "a", "flush"]);
});

test("all that ask for a flush in one turn get it", async () => {
  const kernel = realKernel(new ManualClock());
  const log: string[] = [];
  kernel.flushLater(() => log.push("one"));
  kernel.flushLater(() => log.push("other"));
  await loopRound();
  assert.deepEqual(log.sort(), ["one", "other"]);
});

test("a flush that is asked for by a flush runs without waiting for a message", async () => {
  const kernel = realKernel(new ManualClock());
  await loopRound();
  const log: string[] = [];
  kernel.flushLater(() => {
    log.push("first");
    kernel.flushLater(() => log.push("second"));
  });
  await loopRound();
  await loopRound();
  assert.deepEqual(log, ["first", "second"]);
});

class Flood extends Actor {
  #untilMs: number;
  handled = 0;

  constructor(untilMs: number) {
    super();
    this.#untilMs = untilMs;
  }

  more(): void {
    this.handled += 1;
    if (this.context.clock.now() < this.#untilMs) {
      (this.context.self as ActorRef<Flood>).tell.more();
    }
  }

  count(): number {
    return this.handled;
  }

  /** Ends the flood, and tells whether it had ended before. */
  rest(): string {
    const over = this.context.clock.now() >= this.#untilMs;
    this.#untilMs = 0;
    return over ? "nobody had a turn before its end" : "in the middle of its flood";
  }
}

class Echo extends Actor {
  echo(value: number): number {
    return value;
  }
}

test("an actor that floods itself does not starve another, nor the event loop", async () => {
  const kernel = realKernel();
  const flood = await start(kernel, Flood, [systemClock.now() + 30_000]);
  const echo = await start(kernel, Echo, []);
  for (let i = 0; i < 5_000; i += 1) flood.tell.more();
  for (let round = 0; round < 20; round += 1) {
    assert.equal(await echo.ask.echo(round), round);
    await loopRound();
  }
  assert.ok((await flood.ask.count()) > 5_000);
  assert.equal(await flood.ask.rest(), "in the middle of its flood");
});

class Chain extends Actor {
  static seenEnough = false;

  /** Asks a peer again and again: nothing but microtasks, if the dispatcher lets it. */
  async run(peer: EchoRef, untilMs: number): Promise<string> {
    while (!Chain.seenEnough) {
      await peer.ask.echo(1);
      if (this.context.clock.now() > untilMs) return "nobody else had a turn";
    }
    return "told to stop";
  }
}
type EchoRef = Awaited<ReturnType<typeof start<typeof Echo>>>;

test("timers, sockets and files go on while a chain of asks never rests", async () => {
  const kernel = realKernel();
  const echo = await start(kernel, Echo, []);
  const chain = await start(kernel, Chain, []);
  const chained = chain.askWith({ timeoutMs: 60_000 }).run(echo, systemClock.now() + 30_000);
  for (let round = 0; round < 20; round += 1) {
    await loopRound();
    if (round % 10 === 0) await readFile(import.meta.filename);
  }
  Chain.seenEnough = true;
  assert.equal(await chained, "told to stop");
});

class Hostile extends Actor {
  thenThatThrows(): object {
    return {
      // biome-ignore lint/suspicious/noThenProperty: the hostile value that the test is about
      get then(): never {
        throw new Error("no then for you");
      },
    };
  }

  thenCallThatThrows(): object {
    return {
      // biome-ignore lint/suspicious/noThenProperty: the hostile value that the test is about
      then(): never {
        throw new Error("no then for you");
      },
    };
  }
}

for (const method of ["thenThatThrows", "thenCallThatThrows"] as const) {
  test(`a result with a hostile \`then\` crashes its actor and no other: ${method}`, async () => {
    const kernel = realKernel();
    const hostile = await start(kernel, Hostile, []);
    const echo = await start(kernel, Echo, []);
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on("uncaughtException", note);
    try {
      const answer = hostile.askWith({ timeoutMs: 200 })[method]();
      await assert.rejects(answer, { code: "actor_crashed" });
      assert.equal(await echo.askWith({ timeoutMs: 200 }).echo(1), 1);
      assert.deepEqual(unhandled, []);
    } finally {
      process.off("uncaughtException", note);
    }
  });
}
