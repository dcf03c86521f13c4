import assert from "node:assert/strict";
import type { ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import {
  type LimitConfig,
  type LimitedCall,
  LimiterShard,
  type LimitRefusal,
  Limits,
  limiterPrefix,
  limitsName,
  parseLimitConfig,
} from "../../../actors/limits/index.ts";
import { selectShard } from "../../../actors/limits/key-hash.ts";
import { Checker } from "./fixtures/checker.ts";

/** A configuration that has no faults. */
export function configOf(input: unknown): LimitConfig {
  const outcome = parseLimitConfig(input);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.config;
}

/** A text whose shard of `shards` is the one that is wanted. */
export function textFor(shard: number, shards: number, prefix: string): string {
  for (let number = 0; ; number += 1) {
    if (selectShard(`${prefix}${number}`, shards) === shard) return `${prefix}${number}`;
  }
}

/** Limiters on one thread whose time stands still until it is told to go on. */
export class LimitKit {
  readonly kernel: TestKernel = testKernel();
  readonly shards: ActorRef<LimiterShard>[] = [];
  #limits: ActorRef<Limits> | null = null;
  #checker: ActorRef<Checker> | null = null;

  /** `shards` of them; those that are named in `without` are left out. */
  static async start(
    input: unknown,
    shards = 2,
    without: readonly number[] = [],
  ): Promise<LimitKit> {
    const kit = new LimitKit();
    for (let index = 0; index < shards; index += 1) {
      if (!without.includes(index)) await kit.startShard(index);
    }
    kit.#limits = await kit.kernel.spawn(Limits, {
      name: limitsName,
      args: [configOf(input), shards],
    });
    kit.#checker = await kit.kernel.spawn(Checker, { concurrency: 1_000 });
    return kit;
  }

  async startShard(index: number): Promise<void> {
    const name = `${limiterPrefix}${index + 1}`;
    this.shards[index] = await this.kernel.spawn(LimiterShard, { name });
  }

  /** Another keeper of the rules takes over. */
  async restartLimits(input: unknown): Promise<ActorRef<Limits>["ask"]> {
    const shards = this.shards.length;
    this.#limits = await this.kernel.spawn(Limits, { args: [configOf(input), shards] });
    return this.#limits.ask;
  }

  get limits(): ActorRef<Limits>["ask"] {
    assert.ok(this.#limits !== null);
    return this.#limits.ask;
  }

  get checker(): ActorRef<Checker>["ask"] {
    assert.ok(this.#checker !== null);
    return this.#checker.ask;
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.kernel.until(promise);
  }

  check(call: Partial<LimitedCall>): Promise<LimitRefusal | null> {
    return this.until(this.checker.check(call));
  }
}
