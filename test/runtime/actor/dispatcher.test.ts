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
  return new Dispatcher(clock, 50, (_runnable, durationMs) => slow.push(durationMs));
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

test("after 2 ms of turns the event loop goes round before the next turn", async () => {
  const clock = new ManualClock();
  const scheduler = dispatcher(clock);
  const log: string[] = [];
  scheduler.ready(new Turns("turn", log, clock, 12, 1));
  const rounds = (async () => {
    while (log.filter((it) => it === "turn").length < 12) {
      await loopRound();
      log.push("loop");
    }
  })();
  await rounds;
  let run = 0;
  for (const it of log) {
    run = it === "turn" ? run + 1 : 0;
    assert.ok(run <= yieldAfterMs + 1, `${run} turns of 1 ms in a row: ${log.join(" ")}`);
  }
});

test("a turn over the limit is reported with its length", async () => {
  const clock = new ManualClock();
  const slow: number[] = [];
  const scheduler = dispatcher(clock, slow);
  scheduler.ready(new Turns("a", [], clock, 1, 50));
  scheduler.ready(new Turns("b", [], clock, 1, 51));
  await loopRound();
  await loopRound();
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

test("of two flushes asked for in one turn both run", async () => {
  // The second link to be flushed took the place of the first, whose batch was never sent.
  const scheduler = dispatcher(new ManualClock());
  const log: string[] = [];
  scheduler.onIdle(() => log.push("one"));
  scheduler.onIdle(() => log.push("other"));
  await loopRound();
  assert.deepEqual(log.sort(), ["one", "other"]);
});

test("a flush that is asked for by a flush runs without waiting for a message", async () => {
  const scheduler = dispatcher(new ManualClock());
  const log: string[] = [];
  scheduler.onIdle(() => {
    log.push("first");
    scheduler.onIdle(() => log.push("second"));
  });
  await loopRound();
  await loopRound();
  assert.deepEqual(log, ["first", "second"]);
});

class Flood extends Actor {
  readonly #untilMs: number;
  handled = 0;

  constructor(untilMs: number) {
    super();
    this.#untilMs = untilMs;
  }

  more(): void {
    this.handled += 1;
    if (this.context.clock.now() < this.#untilMs) (this.context.self as ActorRef<Flood>).tell.more();
  }

  count(): number {
    return this.handled;
  }
}

class Echo extends Actor {
  echo(value: number): number {
    return value;
  }
}

test("an actor that floods itself does not starve another, nor the event loop", async () => {
  const kernel = realKernel();
  const untilMs = systemClock.now() + 300;
  const flood = await start(kernel, Flood, [untilMs]);
  const echo = await start(kernel, Echo, []);
  for (let i = 0; i < 5_000; i += 1) flood.tell.more();
  let answers = 0;
  let rounds = 0;
  while (systemClock.now() < untilMs) {
    assert.equal(await echo.ask.echo(answers), answers);
    answers += 1;
    await loopRound();
    rounds += 1;
  }
  assert.ok(answers >= 20, `${answers} answers in 300 ms`);
  assert.ok(rounds >= 20, `${rounds} rounds of the event loop in 300 ms`);
  assert.ok((await flood.ask.count()) > 5_000);
});

class Chain extends Actor {
  /** Asks a peer again and again: nothing but microtasks, if the dispatcher lets it. */
  async run(peer: EchoRef, untilMs: number): Promise<number> {
    let asks = 0;
    while (this.context.clock.now() < untilMs) {
      await peer.ask.echo(asks);
      asks += 1;
    }
    return asks;
  }
}
type EchoRef = Awaited<ReturnType<typeof start<typeof Echo>>>;

test("timers, sockets and files go on while a chain of asks never rests", async () => {
  const kernel = realKernel();
  const echo = await start(kernel, Echo, []);
  const chain = await start(kernel, Chain, []);
  const untilMs = systemClock.now() + 300;
  let running = true;
  const asks = chain.ask.run(echo, untilMs).finally(() => {
    running = false;
  });
  let rounds = 0;
  let reads = 0;
  while (running) {
    await loopRound();
    rounds += 1;
    if (rounds % 10 === 0) {
      await readFile(import.meta.filename);
      reads += 1;
    }
  }
  assert.ok((await asks) > 1_000);
  assert.ok(rounds >= 20, `${rounds} rounds of the event loop in 300 ms`);
  assert.ok(reads >= 2, `${reads} files read in 300 ms`);
});

class Hostile extends Actor {
  thenThatThrows(): object {
    return {
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
