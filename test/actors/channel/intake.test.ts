import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake, type Receiver } from "../../../actors/channel/intake.ts";

class Recorder implements Receiver {
  readonly heard: string[] = [];
  holds = 0;
  #log: string[] | null;
  #name: string;

  constructor(log: string[] | null = null, name = "") {
    this.#log = log;
    this.#name = name;
  }

  receive(data: Buffer, isBinary: boolean): void {
    this.heard.push(`${data}${isBinary ? " binary" : ""}`);
    this.#log?.push(this.#name);
  }

  hold(): void {
    this.holds += 1;
  }

  release(): void {
    this.holds -= 1;
  }
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function add(intake: Intake, receiver: Receiver, count: number, from = 0): void {
  for (let index = from; index < from + count; index++) {
    intake.add(receiver, Buffer.from(String(index)), false);
  }
}

/** 0 to `count` - 1, as text. */
function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}

test("what comes in one pass of the event loop is handed out after it, in order", async () => {
  const intake = new Intake();
  const recorder = new Recorder();
  intake.add(recorder, Buffer.from("a"), false);
  intake.add(recorder, Buffer.from("b"), true);
  assert.deepEqual(recorder.heard, []);
  await immediate();
  assert.deepEqual(recorder.heard, ["a", "b binary"]);
  intake.add(recorder, Buffer.from("c"), false);
  await immediate();
  assert.deepEqual(recorder.heard.slice(2), ["c"]);
});

test("who sends many is given 16 a pass, is not read meanwhile, and others do not wait", async () => {
  const intake = new Intake();
  const order: string[] = [];
  const [many, few] = [new Recorder(order, "many"), new Recorder(order, "few")];
  add(intake, many, 50);
  add(intake, few, 2);
  await immediate();
  assert.deepEqual([many.heard.length, few.heard, many.holds, few.holds], [16, ["0", "1"], 1, 0]);
  add(intake, few, 1, 2);
  await immediate();
  assert.deepEqual([many.heard.length, few.heard.length], [32, 3]);
  // What was read before it was held comes behind what waits.
  add(intake, many, 10, 50);
  await immediate();
  await immediate();
  assert.deepEqual(many.heard, numbers(60));
  assert.equal(many.holds, 0);
  await immediate();
  assert.equal(order.length, 63);
});

test("drain hands out all at once, and nothing twice", async () => {
  const intake = new Intake();
  const recorder = new Recorder();
  add(intake, recorder, 100);
  intake.drain();
  assert.deepEqual(recorder.heard, numbers(100));
  assert.equal(recorder.holds, 0);
  await immediate();
  assert.equal(recorder.heard.length, 100);
});

test("finish hands out what waits for one receiver alone", async () => {
  const intake = new Intake();
  const [leaving, other] = [new Recorder(), new Recorder()];
  add(intake, leaving, 100);
  add(intake, other, 1);
  await immediate();
  add(intake, leaving, 5, 100);
  add(intake, other, 1, 1);
  intake.finish(leaving);
  assert.deepEqual(leaving.heard, numbers(105));
  assert.deepEqual(other.heard, ["0"]);
  await immediate();
  assert.deepEqual([leaving.heard.length, other.heard], [105, ["0", "1"]]);
});

test("a thousand messages, or a mebibyte, are not waited for to become more", () => {
  const intake = new Intake();
  const receivers = Array.from({ length: 64 }, () => new Recorder());
  for (let index = 0; index < 1_024; index++) {
    intake.add(receivers[index % 64] as Recorder, Buffer.from("x"), false);
  }
  assert.ok(receivers.every(({ heard }) => heard.length === 16));
  const large = new Recorder();
  for (let i = 0; i < 4; i++) intake.add(large, Buffer.alloc(262_144), false);
  assert.equal(large.heard.length, 4);
});
