import assert from "node:assert/strict";
import test from "node:test";
import { ManualClock } from "#runtime/testing";
import { formatLogLine, lineLog } from "../../../runtime/core/index.ts";

test("a line holds time, level, message and fields, and is one line whatever they hold", () => {
  const line = formatLogLine(0, "warn", "two\nlines", {
    actor: "<0.1.2>",
    text: 'say "hi"\nthere',
    count: 3,
    missing: undefined,
    list: [1, 2],
  });
  assert.equal(
    line,
    '1970-01-01T00:00:00.000Z warn  two\\nlines actor=<0.1.2> text="say \\"hi\\"\\nthere" count=3 list="[1,2]"',
  );
});

test("lines under the minimum are not written", () => {
  const lines: string[] = [];
  const log = lineLog(new ManualClock(), "warn", (line) => lines.push(line));
  log("debug", "no");
  log("info", "no");
  log("warn", "yes");
  log("error", "yes");
  assert.equal(lines.length, 2);
});

test("a field that has no JSON form does not break the line", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  for (const value of [1n, loop, Symbol("s"), () => 1]) {
    assert.equal(typeof formatLogLine(0, "info", "m", { value }), "string");
  }
});
