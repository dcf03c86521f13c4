import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "#runtime/testing";
import { decideStall, LabelMemory, Watchdog, type Watched } from "../../../runtime/thread/index.ts";
import { LateBloomer, loadMs } from "../../fixtures/actors/late-bloomer.ts";
import { Receiver } from "../../fixtures/actors/messenger.ts";
import { Saboteur } from "../../fixtures/actors/saboteur.ts";
import { Gate } from "../../fixtures/gate.ts";
import { Program } from "../../fixtures/program.ts";
import { nextHolder, startSystem } from "../../fixtures/running-system.ts";

/** A heart that a test lets beat. */
class Heart implements Watched {
  readonly thread = 1;
  beats = 0;
  readonly stalls: number[] = [];

  beat(): number {
    return this.beats;
  }

  blocks = false;

  mayBlock(): boolean {
    return this.blocks;
  }

  loads = false;

  isLoading(): boolean {
    return this.loads;
  }

  onStall(stalledMs: number): void {
    this.stalls.push(stalledMs);
  }
}

test("a pulse is stalled when the same beat has been seen for the time that is allowed", () => {
  const { pulse } = decideStall(undefined, 7, 1_000, 500);
  assert.deepEqual(pulse, { beat: 7, since: 1_000 });
  assert.deepEqual(decideStall(pulse, 7, 1_499, 500), { pulse, stalled: false });
  assert.deepEqual(decideStall(pulse, 7, 1_500, 500), { pulse, stalled: true });
  assert.deepEqual(decideStall(pulse, 8, 1_500, 500), {
    pulse: { beat: 8, since: 1_500 },
    stalled: false,
  });
});

test("a heart that stands still is reported once; one that beats, or was let go, never", () => {
  const clock = new ManualClock();
  const watchdog = new Watchdog(clock, 100, 1_000);
  const [still, beating, gone] = [new Heart(), new Heart(), new Heart()];
  for (const heart of [still, beating, gone]) watchdog.watch(heart);
  for (let passed = 0; passed < 5_000; passed += 100) {
    beating.beats += 1;
    if (passed === 500) watchdog.unwatch(gone);
    clock.advance(100);
  }
  assert.deepEqual(still.stalls, [1_000]);
  assert.deepEqual([beating.stalls, gone.stalls], [[], []]);
  watchdog.stop();
  assert.equal(clock.pendingTimers, 0);
});

test("a heart may stand still while its thread may block, and is timed from then on", () => {
  const clock = new ManualClock();
  const watchdog = new Watchdog(clock, 100, 1_000);
  const heart = new Heart();
  heart.blocks = true;
  watchdog.watch(heart);
  for (let passed = 0; passed < 5_000; passed += 100) clock.advance(100);
  assert.deepEqual(heart.stalls, []);
  heart.blocks = false;
  for (let passed = 0; passed < 5_000; passed += 100) clock.advance(100);
  assert.deepEqual(heart.stalls, [1_000]);
  watchdog.stop();
});

test("a heart may stand still ten times as long while its thread loads modules", () => {
  const clock = new ManualClock();
  const watchdog = new Watchdog(clock, 100, 1_000);
  const [loading, loaded] = [new Heart(), new Heart()];
  for (const heart of [loading, loaded]) {
    heart.loads = true;
    watchdog.watch(heart);
  }
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100) clock.advance(100);
  };
  pass(5_000);
  loaded.loads = false;
  pass(400);
  assert.deepEqual(loaded.stalls, [], "what it loaded does not count afterwards");
  pass(200);
  assert.equal(loaded.stalls.length, 1);
  pass(4_000);
  assert.deepEqual(loading.stalls, []);
  pass(1_000);
  assert.equal(loading.stalls.length, 1, "but not for ever");
  watchdog.stop();
});

test("a watchdog that overslept itself believes nothing it saw before", () => {
  let now = 0;
  let look: () => void = () => {};
  const clock = {
    now: () => now,
    wallTime: () => now,
    after: (_delayMs: number, fire: () => void) => {
      look = fire;
      return { cancel() {} };
    },
  };
  const heart = new Heart();
  new Watchdog(clock, 100, 1_000).watch(heart);
  const lookAt = (time: number): void => {
    now = time;
    look();
  };
  lookAt(100);
  lookAt(60_000);
  assert.deepEqual(heart.stalls, [], "the machine slept, and the thread as well");
  for (let time = 60_100; time <= 61_000; time += 100) lookAt(time);
  assert.deepEqual(heart.stalls, [1_000], "but then it should have woken up");
});

test("labels are read back by number; when the memory is full, none takes another's place", () => {
  const memory = new SharedArrayBuffer(4 + 30);
  const labels = new LabelMemory(memory);
  for (const label of ["Counter.add", "Counter.read", "AnotherLongerOne.method", "X.y"]) {
    labels.append(label);
  }
  const reader = new LabelMemory(memory);
  const read = [0, 1, 2, 3, 4, 5].map((number) => reader.read(number));
  const none = undefined;
  assert.deepEqual(read, [none, "Counter.add", "Counter.read", none, none, none]);
});

test("while (true) is named with class and method, and what shares its thread serves on", async (t) => {
  const { system, log } = await startSystem(t, { stallTimeoutMs: 3_000 });
  const culprit = await system.spawn(Saboteur, { name: "culprit", thread: 1 });
  const sibling = await system.spawn(Saboteur, { name: "sibling", thread: 1 });
  const far = await system.spawn(Saboteur, { thread: 2 });
  const asked = culprit.askWith({ timeoutMs: 60_000 }).spin();
  const rejected = assert.rejects(asked, { code: "thread_down" });
  assert.equal(await far.ask.increment(), 1, "while the other thread is stuck");
  const { level, fields, message } = await log.first(({ message }) =>
    message.includes("stuck for"),
  );
  assert.equal(level, "error");
  assert.match(
    message,
    new RegExp(`^thread stuck for \\d+ ms in ${culprit} Saboteur\\.spin; it is`),
  );
  assert.deepEqual(fields, { thread: 1, certain: true });
  await rejected;
  const [next, other] = await Promise.all([
    nextHolder(system, "culprit", culprit),
    nextHolder(system, "sibling", sibling),
  ]);
  assert.deepEqual([await next.ask.increment(), await other.ask.increment()], [1, 1]);
  assert.equal(await far.ask.increment(), 2);
});

test("a thread that takes longer to load a module than it may be stuck is left alone", async (t) => {
  const { system, log } = await startSystem(t, { stallTimeoutMs: loadMs - 1_500 });
  const actor = await system.spawn(LateBloomer, { thread: 1 });
  assert.equal(await actor.ask.thread(), 1);
  assert.deepEqual(log.all("thread died"), []);
});

test("a turn over the limit is logged with its actor, and nobody is harmed", async (t) => {
  const { system, log } = await startSystem(t, { slowTurnMs: 20 });
  const slow = await system.spawn(Receiver, { name: "slow", thread: 1 });
  const gate = new Gate();
  const blocked = slow.ask.block(gate.name);
  await gate.entered;
  const startedAt = performance.now();
  while (performance.now() - startedAt < 60);
  gate.open();
  await blocked;
  const { level, fields } = await log.entry("slow turn", (entry) => {
    const { actor, durationMs } = entry.fields;
    // On a busy machine an earlier turn of it may have been slow, too.
    return actor === `${slow} slow (Receiver)` && Number(durationMs) >= 50;
  });
  assert.equal(level, "warn");
  assert.ok(Number(fields["durationMs"]) < 60_000, `${fields["durationMs"]} ms`);
  assert.equal(await slow.ask.echo(1), 1);
});

test("work that awaits is suspected when the thread gets stuck outside of any turn", async (t) => {
  const { system, log } = await startSystem(t, { stallTimeoutMs: 3_000 });
  const culprit = await system.spawn(Saboteur, { name: "culprit", thread: 1 });
  const rejected = assert.rejects(culprit.askWith({ timeoutMs: 60_000 }).spinLater(), {
    code: "thread_down",
  });
  const { fields, message } = await log.first((entry) => entry.message.includes("stuck for"));
  assert.match(message, /Saboteur\.spinLater/);
  assert.equal(fields["certain"], false);
  await rejected;
  await nextHolder(system, "culprit", culprit);
});

test("a thread that cannot be ended is abandoned: its actors come back, the process can end", async () => {
  const program = new Program("unstoppable.ts");
  const [code, signal] = await program.exited;
  assert.equal(
    program.output,
    "thread cannot be ended; it is abandoned and burns a core\nthread_down\nagain 1\nstopped\n",
  );
  assert.deepEqual([code, signal], [null, "SIGKILL"]);
});
