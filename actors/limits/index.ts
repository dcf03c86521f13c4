export { limitChildren } from "./limit-children.ts";
export { type LimitConfig, parseLimitConfig } from "./limit-config.ts";
export type { LimitedCall } from "./limit-key.ts";
export type { LimitRule } from "./limit-rule.ts";
export { limitsTable } from "./limit-view.ts";
export {
  LimiterShard,
  limiterPrefix,
  type ShardStatistics,
} from "./limiter-shard.ts";
export {
  type LimitStatus,
  Limits,
  type LimitsInForce,
  type LimitsStatistics,
  limitsName,
} from "./limits.ts";
export { QuotaLimiter, quotaName } from "./quota-limiter.ts";
export { type LimitRefusal, RateLimits } from "./rate-limits.ts";
