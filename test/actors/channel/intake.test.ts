import assert from "node:assert/strict";
import { test } from "node:test";
import { Intake, type Receiver } from "../../../actors/channel/intake.ts";

class Recorder implements Receiver {
  readonly heard: string[] = [];

  receive(data: Buffer, isBinary: boolean): void {
    this.heard.push(`${data}${isBinary ? " binary" : ""}`);
  }
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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

test("drain hands out at once, and nothing twice", async () => {
  const intake = new Intake();
  const recorder = new Recorder();
  intake.add(recorder, Buffer.from("a"), false);
  intake.drain();
  assert.deepEqual(recorder.heard, ["a"]);
  await immediate();
  assert.deepEqual(recorder.heard, ["a"]);
});

test("it holds at most a thousand messages, and a mebibyte", () => {
  const many = new Recorder();
  const intake = new Intake();
  for (let i = 0; i < 1_024; i++) intake.add(many, Buffer.from("x"), false);
  assert.equal(many.heard.length, 1_024);
  const large = new Recorder();
  for (let i = 0; i < 4; i++) intake.add(large, Buffer.alloc(262_144), false);
  assert.equal(large.heard.length, 4);
});
