import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ReplyError } from "#runtime";
import { ManualClock } from "#runtime/testing";
import { type StreamEnd, streamWindowChars } from "../../../actors/request/stream-messages.ts";
import { OutgoingStream } from "../../../actors/streams/outgoing-stream.ts";
import {
  closeGraceMs,
  isStreamSource,
  pumpStream,
  type StreamSource,
} from "../../../actors/streams/stream-source.ts";

/** A stream whose messages are kept. */
class Outlet {
  readonly clock = new ManualClock();
  readonly messages: { readonly chunks: unknown[]; readonly end: StreamEnd | null }[] = [];
  readonly faults: string[] = [];
  readonly stream: OutgoingStream;
  hasRoom = true;
  isOver = false;
  left = 0;

  constructor(window = 4) {
    this.stream = new OutgoingStream({
      window,
      clock: this.clock,
      send: (chunks, end) => {
        if (!this.hasRoom) return false;
        this.messages.push({ chunks: chunks.map((text) => JSON.parse(text)), end });
        return true;
      },
      report: (fault, error) => this.faults.push(`${fault}: ${(error as Error).message}`),
      onOver: () => {
        assert.ok(!this.isOver, "it is over once");
        this.isOver = true;
      },
    });
  }

  get chunks(): unknown[] {
    return this.messages.flatMap(({ chunks }) => chunks);
  }

  get end(): StreamEnd | null {
    return this.messages.at(-1)?.end ?? null;
  }

  pump(source: StreamSource): Promise<void> {
    return pumpStream(this.stream, source, this.clock, () => {
      this.left += 1;
    });
  }
}

/** All that can run without waiting for anything has run. */
function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function* count(to: number, seen: { taken: number; closed?: boolean }) {
  try {
    for (let i = 1; i <= to; i++) {
      seen.taken = i;
      yield i;
    }
  } finally {
    seen.closed = true;
  }
}

test("what a generator yields without waiting goes in one message, with its end", async () => {
  const outlet = new Outlet(64);
  await outlet.pump(count(5, { taken: 0 }));
  await rest();
  assert.deepEqual(outlet.messages, [{ chunks: [1, 2, 3, 4, 5], end: { ok: true, last: null } }]);
  assert.ok(outlet.isOver);
  assert.equal(outlet.stream.signal.aborted, false);
});

test("what a generator returns is the last result; none is an end marker", async () => {
  const outlet = new Outlet();
  await outlet.pump(
    (async function* () {
      yield 1;
      return { total: 1 };
    })(),
  );
  await rest();
  assert.deepEqual(outlet.end, { ok: true, last: '{"total":1}' });
  const empty = new Outlet();
  await empty.pump([]);
  await rest();
  assert.deepEqual(empty.messages, [{ chunks: [], end: { ok: true, last: null } }]);
});

test("nobody grants: the generator gets as far as the window", async () => {
  const outlet = new Outlet(64);
  const seen = { taken: 0 };
  void outlet.pump(count(1_000_000, seen));
  await rest();
  assert.deepEqual([seen.taken, outlet.chunks.length], [64, 64]);
  outlet.stream.grant(3);
  await rest();
  assert.deepEqual([seen.taken, outlet.chunks.length], [67, 67]);
  assert.equal(outlet.messages.length, 2);
  outlet.stream.stop();
});

test("large chunks are under way one at a time, whatever the window", async () => {
  const outlet = new Outlet(64);
  const seen = { taken: 0 };
  const large = "x".repeat(streamWindowChars);
  async function* letters() {
    for (;;) {
      seen.taken += 1;
      yield large;
    }
  }
  void outlet.pump(letters());
  await rest();
  for (let granted = 1; granted < 5; granted++) {
    assert.deepEqual([seen.taken, outlet.chunks.length], [granted, granted]);
    outlet.stream.grant(1);
    await rest();
  }
  outlet.stream.stop();
});

test("in any order of yields and grants, all chunks come in order and never too many", async () => {
  const steps = fc.array(fc.oneof(fc.constant("turn"), fc.integer({ min: 1, max: 20 })), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 0, max: 100 }),
      steps,
      async (window, length, script) => {
        const outlet = new Outlet(window);
        const pumped = outlet.pump(count(length, { taken: 0 }));
        let granted = 0;
        const check = (): void => {
          const { chunks } = outlet;
          assert.deepEqual(
            chunks,
            chunks.map((_, i) => i + 1),
          );
          assert.ok(chunks.length - granted <= window, "more than the window is under way");
        };
        for (const step of script) {
          if (step === "turn") await rest();
          else {
            // What was not sent cannot have been taken.
            const count = Math.min(step as number, outlet.chunks.length - granted);
            granted += count;
            if (count > 0) outlet.stream.grant(count);
          }
          check();
        }
        while (!outlet.isOver) {
          await rest();
          check();
          const count = outlet.chunks.length - granted;
          granted += count;
          outlet.stream.grant(count);
        }
        await pumped;
        assert.equal(outlet.chunks.length, length);
      },
    ),
    { numRuns: 100 },
  );
});

test("generators, sync ones, arrays and iterables of promises are sources; text is not", async () => {
  const sources: StreamSource[] = [
    [1, 2],
    new Set([1, 2]),
    [Promise.resolve(1), 2],
    (function* () {
      yield 1;
      yield 2;
    })(),
    { [Symbol.asyncIterator]: () => count(2, { taken: 0 }) },
  ];
  for (const source of sources) {
    assert.ok(isStreamSource(source));
    const outlet = new Outlet();
    await outlet.pump(source);
    await rest();
    assert.deepEqual(outlet.chunks, [1, 2]);
  }
  for (const other of ["text", 7, null, undefined, {}, () => []]) {
    assert.equal(isStreamSource(other), false);
  }
});

test("a generator that throws after three chunks: they come, then the error", async () => {
  const failing = async function* (error: unknown) {
    yield* [1, 2, 3];
    throw error;
  };
  const outlet = new Outlet();
  await outlet.pump(failing(new Error("secret")));
  await rest();
  assert.deepEqual(outlet.chunks, [1, 2, 3]);
  const message = "Internal Server Error";
  assert.deepEqual(outlet.end, { ok: false, code: "internal", message, detail: "secret" });
  assert.deepEqual(outlet.faults, ["stream failed: secret"]);
  const refusing = new Outlet();
  await refusing.pump(failing(new ReplyError("sold_out", "None left", undefined, 70)));
  await rest();
  const said = { ok: false, code: "sold_out", message: "None left", detail: null };
  const refusal = { ...said, retryAfterMs: 70 };
  assert.deepEqual(refusing.end, refusal);
  assert.deepEqual(refusing.faults, []);
});

test("a chunk without a JSON form fails the stream and closes the generator", async () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  for (const bad of [1n, cycle]) {
    const outlet = new Outlet();
    let closed = false;
    await outlet.pump(
      (async function* () {
        try {
          yield 1;
          yield bad;
          yield 2;
        } finally {
          closed = true;
        }
      })(),
    );
    await rest();
    assert.deepEqual(outlet.chunks, [1]);
    assert.equal(outlet.end?.ok, false);
    assert.match(outlet.faults[0] ?? "", /the chunk has no JSON form/);
    assert.ok(closed && outlet.stream.signal.aborted);
  }
});

test("a stop aborts the signal, closes the generator, and sends nothing more", async () => {
  const outlet = new Outlet();
  const seen = { taken: 0, closed: false };
  const pumped = outlet.pump(count(100, seen));
  await rest();
  outlet.stream.stop();
  await pumped;
  assert.deepEqual(seen, { taken: 4, closed: true });
  assert.equal(outlet.stream.signal.reason.code, "cancelled");
  assert.ok(outlet.isOver);
  outlet.stream.grant(100);
  outlet.stream.push("late");
  await rest();
  assert.equal(outlet.chunks.length, 4);
  assert.equal(outlet.end, null);
});

test("a generator that waits is woken by its signal", async () => {
  const outlet = new Outlet();
  const { signal } = outlet.stream;
  const pumped = outlet.pump(
    (async function* () {
      yield 1;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield "nobody takes it";
    })(),
  );
  await rest();
  outlet.stream.stop();
  await pumped;
  assert.deepEqual([outlet.chunks, outlet.left], [[1], 0]);
});

test("a generator that ignores its end is left after a second, and that is told", async () => {
  const outlet = new Outlet();
  const pumped = outlet.pump(
    (async function* () {
      yield 1;
      await new Promise(() => {});
    })(),
  );
  await rest();
  outlet.stream.stop();
  await rest();
  outlet.clock.advance(closeGraceMs - 1);
  await rest();
  assert.equal(outlet.left, 0);
  outlet.clock.advance(1);
  await pumped;
  assert.equal(outlet.left, 1);
});

test("an iterator that throws wherever it can harms nobody", async () => {
  const bad = (at: string): StreamSource => ({
    [Symbol.asyncIterator]() {
      const fail = (where: string): void => {
        if (at === where) throw new Error(`broken ${at}`);
      };
      fail("open");
      return {
        next() {
          fail("next");
          return Promise.resolve({ done: false, value: 1 });
        },
        return() {
          fail("return");
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  });
  for (const at of ["open", "next"]) {
    const outlet = new Outlet();
    await outlet.pump(bad(at));
    await rest();
    assert.deepEqual(outlet.faults, [`stream failed: broken ${at}`]);
  }
  const outlet = new Outlet();
  const pumped = outlet.pump(bad("return"));
  await rest();
  outlet.stream.stop();
  await pumped;
  assert.deepEqual(outlet.faults, []);
});

test("closed from outside, it sends what was granted and the reason", async () => {
  const outlet = new Outlet();
  const seen = { taken: 0, closed: false };
  const pumped = outlet.pump(count(100, seen));
  outlet.stream.push("more");
  await rest();
  outlet.stream.close("unavailable", "it is stopping");
  await pumped;
  assert.equal(outlet.chunks.length, 4);
  const end = { ok: false, code: "unavailable", message: "it is stopping", detail: null };
  assert.deepEqual(outlet.end, end);
  assert.ok(seen.closed && outlet.isOver && outlet.stream.signal.aborted);
});

test("a producer that does not wait for room is cut off", async () => {
  const outlet = new Outlet(64);
  for (let i = 0; i < 20_000; i++) outlet.stream.push(i);
  await rest();
  assert.equal(outlet.chunks.length, 64);
  assert.match(outlet.faults[0] ?? "", /does not wait for room/);
  assert.equal(outlet.faults.length, 1);
  outlet.stream.stop();
});

test("a message that finds no room on its way is sent again, in order", async () => {
  const outlet = new Outlet(64);
  outlet.hasRoom = false;
  await outlet.pump([1, 2]);
  await rest();
  outlet.clock.advance(100);
  assert.deepEqual(outlet.messages, []);
  outlet.hasRoom = true;
  outlet.clock.advance(100);
  assert.deepEqual(outlet.messages, [{ chunks: [1, 2], end: { ok: true, last: null } }]);
  assert.equal(outlet.clock.pendingTimers, 0);
});

test("a message that never finds room ends the stream, one that is closed at once", async () => {
  const outlet = new Outlet(64);
  outlet.hasRoom = false;
  const seen = { taken: 0, closed: false };
  void outlet.pump(count(1_000, seen));
  await rest();
  outlet.clock.advance(11_000);
  await rest();
  assert.ok(outlet.isOver && seen.closed && outlet.stream.signal.aborted);
  assert.equal(outlet.clock.pendingTimers, 0);
  const closed = new Outlet(64);
  closed.hasRoom = false;
  await closed.pump(count(3, { taken: 0 }));
  closed.stream.close("unavailable", "it is stopping");
  assert.ok(closed.isOver);
  assert.equal(closed.clock.pendingTimers, 0);
});

test("closed between its end and the grants that it waits for, it is not complete", async () => {
  const outlet = new Outlet(2);
  for (const chunk of [1, 2, 3]) outlet.stream.push(chunk);
  outlet.stream.end();
  await rest();
  outlet.stream.close("unavailable", "it is stopping");
  assert.deepEqual([outlet.chunks, outlet.end?.ok], [[1, 2], false]);
});
