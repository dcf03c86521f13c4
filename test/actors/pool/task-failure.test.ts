import assert from "node:assert/strict";
import { test } from "node:test";
import type { TaskEnd } from "#runtime";
import { decideTaskFailure } from "../../../actors/pool/task-failure.ts";

const record = { name: "Error", message: "why" };

for (const [end, code, message] of [
  [{ status: "done", value: 1 }, undefined, undefined],
  [{ status: "failed", error: { ...record, code: "" } }, "handler_failed", "why"],
  [{ status: "failed", error: { ...record, code: "E1" } }, "handler_failed", "why"],
  [{ status: "failed", error: { ...record, code: "sold", reply: true } }, "sold", "why"],
  [{ status: "cancelled" }, "cancelled", "f was cancelled before it began"],
  [{ status: "killed" }, "cancelled", "f was cancelled and did not end"],
  [
    { status: "lost", started: true, reason: "" },
    "outcome_unknown",
    "service s was lost while it worked on f",
  ],
  [
    { status: "lost", started: false, reason: "" },
    "unavailable",
    "no thread could be started for s.f",
  ],
] as const satisfies readonly (readonly [TaskEnd, unknown, unknown])[]) {
  test(`${JSON.stringify(end)} is told as ${code ?? "a result"}`, () => {
    const failure = decideTaskFailure(end, "s", "f");
    assert.deepEqual([failure?.code, failure?.message], [code, message]);
  });
}
