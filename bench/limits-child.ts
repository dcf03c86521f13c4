/** Run by the limits bench in a process of its own, so that the memory that it measures is theirs. */
import { performance } from "node:perf_hooks";
import { WindowStore } from "../actors/limits/window-store.ts";

const windowMs = 60_000;
const capacityBytes = 1_073_741_824;
const numbers = [1];

function storeOf(maxRequests: number): WindowStore {
  const store = new WindowStore(capacityBytes, 42);
  store.setRule({ number: 1, maxRequests, windowMs });
  return store;
}

function processBytes(): number {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes of the process for each key, without 8 for each of the requests. */
function measureBytes(keys: number, requestsEach: number): number {
  const store = storeOf(1_000);
  const before = processBytes();
  const value = [""];
  for (let request = 0; request < requestsEach; request += 1) {
    for (let key = 0; key < keys; key += 1) {
      value[0] = `user-${key}-1234567890`;
      store.admit(numbers, value, 0);
    }
  }
  const taken = Math.max(processBytes() - before, store.bytes);
  return (taken - store.requests * 8) / store.size;
}

/**
 * The longest time between two looks at the clock, 64 keys or one step of clean-up apart: of the
 * thread's own CPU time, and of real time, in which the machine's other work is seen as well.
 */
class Pauses {
  cpuMs = 0;
  realMs = 0;
  #lastCpuMs = cpuNow();
  #lastRealMs = performance.now();

  look(): void {
    const cpu = cpuNow();
    const real = performance.now();
    this.cpuMs = Math.max(this.cpuMs, cpu - this.#lastCpuMs);
    this.realMs = Math.max(this.realMs, real - this.#lastRealMs);
    this.#lastCpuMs = cpu;
    this.#lastRealMs = real;
  }
}

function cpuNow(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

interface Round {
  readonly cpuMs: number;
  readonly realMs: number;
  readonly fillMs: number;
  readonly expireMs: number;
}

/** Fills a store with keys and lets them expire. */
function measurePauses(keys: number): Round {
  const store = storeOf(10);
  const startedAt = performance.now();
  const pauses = new Pauses();
  for (let key = 0; key < keys; key += 1) {
    store.admit(numbers, [`user-${key}`], key / keys);
    if ((key & 63) === 0) pauses.look();
  }
  const filledAt = performance.now();
  while (!store.sweep(2 * windowMs, 2_048).isRoundOver) pauses.look();
  pauses.look();
  if (store.size !== 0) throw new Error(`${store.size} keys have not expired`);
  const expireMs = performance.now() - filledAt;
  const { cpuMs, realMs } = pauses;
  return { cpuMs, realMs, fillMs: filledAt - startedAt, expireMs };
}

const keys = Number(process.argv[2]);
const rounds = Number(process.argv[3]);
// Once beforehand, so that what is kept for good (code) is not taken for memory of keys.
measureBytes(1_000, 1);
const bytesOne = measureBytes(keys / 10, 1);
const bytesMany = measureBytes(keys / 10, 20);
const pauses = Array.from({ length: rounds }, () => measurePauses(keys));
process.stdout.write(JSON.stringify({ bytesOne, bytesMany, pauses }));
