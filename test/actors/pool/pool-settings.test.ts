import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePoolSettings, poolChildren } from "../../../actors/pool/index.ts";

const defaults = { threads: null, maxQueue: 10_000, resourceLimits: {} };

test("without settings there are threads as there are cores, and room for 10,000 calls", () => {
  const expected = { ok: true, settings: { async: defaults, stream: defaults } };
  assert.deepEqual(parsePoolSettings(undefined), expected);
  assert.deepEqual(parsePoolSettings({}), expected);
  assert.deepEqual(parsePoolSettings({ async: {}, stream: { threads: undefined } }), expected);
  assert.deepEqual(parsePoolSettings(expected.settings), expected, "it reads back as itself");
});

test("both spellings are read", () => {
  const limits = { maxOldGenerationSizeMb: 64 };
  const async = { threads: 3, maxQueue: 0, resourceLimits: limits };
  const snake = {
    ...{ threads: 3, max_queue: 0 },
    resource_limits: { max_old_generation_size_mb: 64 },
  };
  const expected = { ok: true, settings: { async, stream: defaults } };
  assert.deepEqual(parsePoolSettings({ async }), expected);
  assert.deepEqual(parsePoolSettings({ async: snake }), expected);
});

for (const [input, fault] of [
  [5, "pools: expected a map { async?, stream? }, received 5"],
  [{ sync: {} }, 'pools: unknown key "sync": expected one of async, stream'],
  [
    { async: null },
    "pools.async: expected a map { threads?, maxQueue?, resourceLimits? }, received null",
  ],
  [
    { async: { threads: 0 } },
    "pools.async.threads: expected a whole number from 1 to 1024, received 0",
  ],
  [
    { stream: { maxQueue: 1.5 } },
    "pools.stream.maxQueue: expected a whole number from 0 to 1000000, received 1.5",
  ],
  [
    { async: { maxQueue: 1, max_queue: 1 } },
    "pools.async.max_queue: given twice, also as maxQueue",
  ],
  [
    { async: { resourceLimits: { maxOldGenerationSizeMb: 1 } } },
    "pools.async.resourceLimits.maxOldGenerationSizeMb: expected MB >= 8, received 1",
  ],
] as const) {
  test(`${JSON.stringify(input)} is refused`, () => {
    assert.deepEqual(parsePoolSettings(input), { ok: false, faults: [fault] });
  });
}

test("both pools are children with their settings and the time to drain", () => {
  const parsed = parsePoolSettings({ stream: { threads: 7 } });
  assert.ok(parsed.ok);
  const [async, stream] = poolChildren(parsed.settings, 1_000);
  assert.equal(async?.id, "pool/async");
  assert.equal(stream?.id, "pool/stream");
  assert.deepEqual(stream?.start.args, ["pool/stream", { ...defaults, threads: 7 }, 1_000]);
  assert.equal(stream?.shutdown, 3_000);
});
