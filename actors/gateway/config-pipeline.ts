/** What a configuration says of the stations that a request passes: limits, breakers, pools. */

import { type BreakerSettings, parseBreakerSettings } from "../breaker/index.ts";
import { type LimitConfig, parseLimitConfig } from "../limits/index.ts";
import { type PoolOptions, type PoolSettings, parsePoolSettings } from "../pool/index.ts";
import { ConfigError } from "./config-error.ts";

/** A limit for each value of `key`, in a window that slides. */
interface LimitFile {
  /** `user_id`, `device_id`, `ip_address`, or the name of an assign or argument. */
  readonly key: string;
  readonly maxRequests: number;
  readonly windowMs: number;
  /** `cluster` counts for all nodes together, in Redis; default `node`. */
  readonly scope?: "node" | "cluster";
  readonly id?: string;
}

/** `rateLimits` of a configuration; what it leaves out is `true` or empty. */
export interface RateLimitsFile {
  readonly enabled?: boolean;
  /** Whether a request passes whose limits nobody can tell at the moment. */
  readonly failOpen?: boolean;
  readonly globalLimits?: readonly LimitFile[];
  readonly apiLimits?: readonly (LimitFile & {
    readonly service: string;
    readonly requestType: string;
  })[];
  readonly redis?: { readonly url: string };
}

/** `breaker` of a configuration. */
export type BreakerFile = Partial<BreakerSettings>;

/** `pools` of a configuration. */
export type PoolsFile = { readonly [Name in keyof PoolSettings]?: Partial<PoolOptions> };

/** @throws ConfigError with all faults in one line; `path` is the file's. */
export function readRateLimits(given: unknown, path: string | null): LimitConfig {
  const outcome = parseLimitConfig(given, "rateLimits");
  if (outcome.ok) return outcome.config;
  throw new ConfigError(`${path}: ${outcome.faults.join("; ")}`);
}

/** @throws ConfigError with all faults in one line; `path` is the file's. */
export function readBreaker(given: unknown, path: string | null): BreakerSettings {
  const outcome = parseBreakerSettings(given, "breaker");
  if (outcome.ok) return outcome.settings;
  throw new ConfigError(`${path}: ${outcome.faults.join("; ")}`);
}

/** @throws ConfigError with all faults in one line; `path` is the file's. */
export function readPools(given: unknown, path: string | null): PoolSettings {
  const outcome = parsePoolSettings(given);
  if (outcome.ok) return outcome.settings;
  throw new ConfigError(`${path}: ${outcome.faults.join("; ")}`);
}
