import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BenchModule, Row, Scale } from "./report.ts";

const child = fileURLToPath(new URL("./idle-actors-child.ts", import.meta.url));

/** What an actor costs that does nothing. */
export const idleActors: BenchModule = {
  name: "idle-actors",
  async run(scale: Scale): Promise<Row[]> {
    const count = scale === "full" ? 1_000_000 : 10_000;
    const args = ["--expose-gc", "--max-old-space-size=4096", child, String(count)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { spawnMs, bytesEach, leftBytes } = JSON.parse(stdout);
    const shown = count.toLocaleString("en");
    return [
      {
        what: "idle actor, heap",
        wanted: "≤ 1 KiB",
        measured: `${Math.round(bytesEach)} B`,
        met: bytesEach <= 1_024,
      },
      {
        what: `${shown} actors spawned`,
        wanted: "≤ 5 s",
        measured: `${(spawnMs / 1_000).toFixed(2)} s`,
        met: scale === "smoke" ? null : spawnMs <= 5_000,
      },
      {
        what: `heap left when all ${shown} have stopped`,
        wanted: "≤ 1 MiB",
        measured: `${(leftBytes / 1_024).toFixed(0)} KiB`,
        met: leftBytes <= 1_048_576,
      },
    ];
  },
};
