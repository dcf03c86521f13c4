import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { StorageSettings } from "../../../actors/relay/store.ts";
import { StoreDatabase } from "../../../actors/relay/store-database.ts";
import { StoreFolder, storage } from "./store-kit.ts";

const program = fileURLToPath(new URL("fixtures/store-writer.ts", import.meta.url));

/** The last offset that was answered in a process that was killed once there were `count` answers. */
async function writeUntilKilled(settings: StorageSettings, count: number): Promise<number> {
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
    if (printed.split("\n").length > count) child.kill("SIGKILL");
  });
  const [, signal] = await closed;
  assert.equal(signal, "SIGKILL", printed);
  const lines = printed.slice(0, printed.lastIndexOf("\n")).split("\n");
  return Math.max(...lines.map(Number));
}

for (const sync of ["interval", "full"] as const) {
  test(`kill -9 and again: what was answered with sync ${sync} is there`, async (t) => {
    const folder = new StoreFolder(t, { maxMessages: 100_000 });
    const settings = storage(folder.path, { sync, flushMs: 5, maxMessages: 100_000 });
    let last = 0;
    for (const count of [150, 100]) {
      const answered = await writeUntilKilled(settings, count);
      assert.ok(answered >= last + count - 20, `${answered} after ${last}`);
      const file = folder.openFile();
      const store = new StoreDatabase(file, folder.limits, sync, folder.now);
      const stored = store.load("g", 0);
      assert.ok(stored !== null && stored.state.offset >= answered, `of ${answered}`);
      assert.equal(stored.isSuspect, sync === "interval");
      assert.equal(stored.state.epoch, `after ${last}`);
      assert.deepEqual(
        stored.state.messages.map(({ offset, text }) => ({ offset, text })),
        Array.from({ length: stored.state.offset }, (_, index) => ({
          ...{ offset: index + 1, text: JSON.stringify({ sent: index + 1 }) },
        })),
      );
      store.close();
      last = stored.state.offset;
    }
    assert.deepEqual(folder.log.entries, [], "a killed process leaves a file that is in order");
  });
}
