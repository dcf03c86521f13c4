import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { forgetAbort, listenToAbort } from "../../../runtime/actor/abort-listeners.ts";

test("all listeners hear the abort, in their order; one that was taken back does not", () => {
  const controller = new AbortController();
  const heard: number[] = [];
  const listeners = [0, 1, 2, 3].map((number) => () => void heard.push(number));
  for (const listener of listeners) listenToAbort(controller.signal, listener);
  const [, second = () => {}] = listeners;
  forgetAbort(controller.signal, second);
  controller.abort();
  assert.deepEqual(heard, [0, 2, 3]);
});

test("however many listen, the signal itself has one listener", () => {
  const { signal } = new AbortController();
  for (let count = 0; count < 1_000; count++) listenToAbort(signal, () => {});
  assert.equal(getEventListeners(signal, "abort").length, 1);
});

test("a listener that takes another one back while the abort is told is obeyed", () => {
  const controller = new AbortController();
  const heard: string[] = [];
  const late = (): void => void heard.push("late");
  listenToAbort(controller.signal, () => forgetAbort(controller.signal, late));
  listenToAbort(controller.signal, late);
  controller.abort();
  assert.deepEqual(heard, []);
});
