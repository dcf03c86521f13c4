import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "#runtime/testing";
import type { GroupPlace } from "../../../actors/relay/group-place.ts";
import { History } from "../../../actors/relay/history.ts";
import { MessageLog } from "../../../actors/relay/message-log.ts";
import { relaySettings } from "./group-kit.ts";

const limits = { maxMessages: 100, maxAgeMs: null };
const source = { userId: null, requestId: "r" };
const someone = { recipients: 1, tellReceiving: () => {} };

test("a message that waits for the disk is nobody's before it is there", async () => {
  const writes: ((isWritten: boolean) => void)[] = [];
  const write = (): Promise<boolean> => new Promise((resolve) => writes.push(resolve));
  const storage = { path: "x", flushMs: 100, sync: "full", ...limits } as const;
  const place = {
    ...{ groupId: "g", settings: relaySettings({ storage }) },
    ...{ context: { clock: new ManualClock() }, record: { isBehind: false, write } },
  } as unknown as GroupPlace;
  const log = new MessageLog(place, new History(limits, "e"));

  const first = log.send(source, '"one"', someone);
  writes[0]?.(true);
  assert.deepEqual(await first, { ok: true, recipients: 1, offset: 1 });
  const second = log.send(source, '"two"', someone);
  const seen = (): unknown[] => [
    log.offset,
    log.recover(0, "e").missed.length,
    log.page(null, 10).texts.length,
    log.page(null, 10).offset,
    log.page(9, 10).texts.length,
  ];
  assert.deepEqual(seen(), [1, 1, 1, 1, 1]);
  assert.deepEqual(log.recover(1, "e"), { recovered: true, missed: [] });
  assert.deepEqual([log.lastOffset, log.entries().length], [2, 2], "it has its place");

  writes[1]?.(true);
  await second;
  assert.deepEqual(seen(), [2, 2, 2, 2, 2]);
});
