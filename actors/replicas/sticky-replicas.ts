import type { Clock } from "#runtime";
import type { Replica } from "./replica.ts";
import { selectByHash } from "./replica-choice.ts";
import { hashText } from "./text-hash.ts";

/** How long an entry lives after its last use. */
const STICKY_TTL_MS = 600_000;

/** Most entries of one thread, about 100 bytes each; past it the one unused for longest goes. */
const STICKY_CAPACITY = 100_000;

interface Entry {
  replicaKey: string;
  usedAt: number;
}

/** How many keys are remembered, and for how long. */
export interface StickyLimits {
  readonly ttlMs?: number;
  readonly capacity?: number;
}

/**
 * Which replica each key has stuck to, as this thread has seen it. A key that is not known goes where
 * its hash says, which is the same on every thread; then it stays, also when replicas join, until its
 * replica is gone or nobody has asked for `ttlMs`.
 */
export class StickyReplicas {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #capacity: number;
  /** In the order of their last use. */
  readonly #entries = new Map<number, Entry>();

  constructor(clock: Clock, limits: StickyLimits = {}) {
    this.#clock = clock;
    this.#ttlMs = limits.ttlMs ?? STICKY_TTL_MS;
    this.#capacity = limits.capacity ?? STICKY_CAPACITY;
  }

  /** How many keys are remembered; overdue ones go when others come. */
  get size(): number {
    return this.#entries.size;
  }

  /** The replica of `text` within `group`, remembered from now on; undefined when there is none. */
  select(replicas: readonly Replica[], group: string, text: string): Replica | undefined {
    const now = this.#clock.now();
    const key = encodeKey(group, text);
    let entry = this.#entries.get(key);
    let chosen: Replica | undefined;
    if (entry !== undefined) {
      this.#entries.delete(key);
      const { replicaKey } = entry;
      if (now - entry.usedAt < this.#ttlMs) {
        chosen = replicas.find((replica) => replica.key === replicaKey);
      }
    }
    chosen ??= selectByHash(replicas, hashText(text));
    if (chosen === undefined) return undefined;
    if (entry === undefined) {
      this.#makeRoom(now);
      entry = { replicaKey: chosen.key, usedAt: now };
    } else {
      entry.replicaKey = chosen.key;
      entry.usedAt = now;
    }
    this.#entries.set(key, entry);
    return chosen;
  }

  /** Two at most for each that comes: what is overdue never costs a pause. */
  #makeRoom(now: number): void {
    let removed = 0;
    for (const [key, { usedAt }] of this.#entries) {
      const isOverdue = now - usedAt >= this.#ttlMs;
      if (removed === 2 || !(isOverdue || this.#entries.size >= this.#capacity)) return;
      this.#entries.delete(key);
      removed += 1;
    }
  }
}

/** 53 bits instead of the text: a client's texts may be long, and two that meet only share a replica. */
function encodeKey(group: string, text: string): number {
  const seed = hashText(group);
  return hashText(text, seed) * 0x20_0000 + (hashText(text, ~seed) >>> 11);
}
