/** Run by the idle-actors bench in a process of its own, with --expose-gc. */
import { performance } from "node:perf_hooks";
import { Actor, createSystem } from "#runtime";

class Idle extends Actor {}

class Nursery extends Actor {
  async fill(count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) await this.context.spawn(Idle);
  }

  async empty(): Promise<void> {
    for (const child of this.context.children()) await this.context.stopChild(child);
  }
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const count = Number(process.argv[2]);
const system = await createSystem({ threads: 0 });
const nursery = await system.spawn(Nursery);
const patient = nursery.askWith({ timeoutMs: 600_000 });
// Once beforehand, so that what is kept for good (code, grown tables) is not taken for a leak.
await patient.fill(1_000);
await patient.empty();
const before = heapBytes();
const startedAt = performance.now();
await patient.fill(count);
const spawnMs = performance.now() - startedAt;
const bytesEach = (heapBytes() - before) / count;
await patient.empty();
const leftBytes = heapBytes() - before;
await system.stop();
process.stdout.write(JSON.stringify({ spawnMs, bytesEach, leftBytes }));
