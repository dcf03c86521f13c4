import assert from "node:assert/strict";
import { addAbortListener, once } from "node:events";
import { test } from "node:test";
import { guardedFrom, guardSignal } from "../../../actors/streams/guarded-signal.ts";

test("what listeners throw is reported, and the others are called", async () => {
  const reported: unknown[] = [];
  const controller = new AbortController();
  const signal = guardSignal(controller, (error) => reported.push(error));
  const called: string[] = [];
  signal.addEventListener("abort", () => {
    throw "plain";
  });
  signal.addEventListener("abort", { handleEvent: () => assert.fail("object") });
  signal.addEventListener("abort", async () => {
    await null;
    throw "late";
  });
  signal.onabort = function (this: AbortSignal) {
    assert.equal(this, signal);
    called.push("onabort");
    throw "property";
  };
  signal.addEventListener("abort", ({ type }) => called.push(type), { once: true });
  controller.abort(new Error("why"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(called, ["onabort", "abort"]);
  const texts = reported.map((error) => (error instanceof Error ? error.message : error));
  assert.deepEqual(texts, ["plain", "object", "property", "late"]);
});

test("it is an AbortSignal: listeners can go, and the platform takes it", async () => {
  const controller = new AbortController();
  const signal = guardSignal(controller, (error) => assert.fail(String(error)));
  assert.ok(signal instanceof AbortSignal);
  const never = (): void => assert.fail("it was removed");
  signal.addEventListener("abort", never);
  signal.removeEventListener("abort", never);
  signal.onabort = never;
  assert.equal(signal.onabort, never);
  signal.onabort = null;
  let heard = 0;
  addAbortListener(signal, () => {
    heard += 1;
  });
  const any = AbortSignal.any([signal]);
  const waiting = once(new EventTarget(), "never", { signal });
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  assert.deepEqual([heard, any.aborted, signal.aborted], [1, true, true]);
});

test("one that follows another is aborted with it, for its reason", () => {
  const source = new AbortController();
  const before = guardedFrom(source.signal, () => {});
  const reason = new Error("why");
  source.abort(reason);
  const after = guardedFrom(source.signal, () => {});
  assert.deepEqual([before.reason, after.reason], [reason, reason]);
});
