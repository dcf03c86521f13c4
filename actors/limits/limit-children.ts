import { type ChildSpec, type ChildStart, childOf } from "#runtime";
import type { LimitConfig } from "./limit-config.ts";
import { LimiterShard, limiterPrefix } from "./limiter-shard.ts";
import { Limits, limitsName } from "./limits.ts";
import { QuotaLimiter, quotaName } from "./quota-limiter.ts";

/** Messages that may wait at a shard: all sessions of a thread, and then some. */
const shardMailbox = 65_536;
const manyAtOnce = 10_000;

/**
 * The children of the gateway's supervisor that limit requests: a shard on each scheduler thread,
 * the cluster's quotas where there is Redis, and the rules last, so that whoever counts is there
 * before there is anything to count.
 */
export function limitChildren(
  schedulers: readonly number[],
  config: LimitConfig,
): ChildSpec<ChildStart>[] {
  const { redis } = config;
  const shards = schedulers.map((thread, index) =>
    childOf(LimiterShard, {
      options: { name: `${limiterPrefix}${index + 1}`, thread, mailboxCapacity: shardMailbox },
    }),
  );
  const quota = { name: quotaName, thread: "any", concurrency: manyAtOnce } as const;
  const quotas = redis === null ? [] : [childOf(QuotaLimiter, { args: [redis], options: quota })];
  const rules = childOf(Limits, {
    args: [config, schedulers.length],
    options: { name: limitsName, thread: "any", concurrency: 100 },
  });
  return [...shards, ...quotas, rules];
}
