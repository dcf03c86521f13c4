import type { PlainData } from "./plain-data.ts";

/** By which way a config came. */
export type ConfigSource = "pull" | "push" | "file" | "module";

/** A config that was refused. */
export interface FailedConfig {
  /** Unique in its log. */
  readonly id: string;
  /** As far as the config told; null otherwise. */
  readonly service: string | null;
  readonly requestType: string | null;
  readonly version: string | null;
  readonly source: ConfigSource;
  /** The name of the node that it came from. */
  readonly node: string;
  /** Everything that was wrong with it. */
  readonly reasons: readonly string[];
  /** The config as it came, cut to a bounded size. */
  readonly config: PlainData;
  /** When it was refused: milliseconds since 1970. */
  readonly time: number;
}

/** A refusal before it has its place in the log. */
export type Refusal = Omit<FailedConfig, "id" | "time">;

/** Which of the failed configs; what is absent leaves all. */
export interface FailedConfigFilter {
  readonly source?: ConfigSource;
  readonly service?: string;
  /** How many at most, the newest first; all when absent. */
  readonly limit?: number;
}

/** How many there are, in all and of each kind. */
export interface FailedConfigSummary {
  readonly total: number;
  readonly bySource: Readonly<Record<string, number>>;
  /** Those that told no service are counted under `unknown`. */
  readonly byService: Readonly<Record<string, number>>;
}

/** How long a failed config is kept, ms. */
export const FAILED_CONFIG_LIFE_MS = 86_400_000;

/** How many are kept: with more, the oldest go. */
export const MAX_FAILED_CONFIGS = 1_000;

/**
 * The failed configs of the last 24 hours, 1,000 at most. Pure: `now` is milliseconds since 1970 and
 * never goes back. Expired ones are dropped with every call, at the cost of those that are dropped.
 */
export class FailedConfigLog {
  readonly #entries = new Map<string, FailedConfig>();
  #lastId = 0;

  /** Adds one. */
  record(refusal: Refusal, now: number): FailedConfig {
    this.cleanup(now);
    this.#lastId += 1;
    const failed = { id: `failed-${this.#lastId}`, ...refusal, time: now };
    this.#entries.set(failed.id, failed);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_FAILED_CONFIGS && oldest !== undefined) {
      this.#entries.delete(oldest);
    }
    return failed;
  }

  /** Those that the filter leaves, the newest first. */
  list(filter: FailedConfigFilter, now: number): FailedConfig[] {
    this.cleanup(now);
    const { source, service, limit } = filter;
    const matching = [...this.#entries.values()].filter(
      (failed) =>
        (source === undefined || failed.source === source) &&
        (service === undefined || failed.service === service),
    );
    return matching.reverse().slice(0, limit);
  }

  /** Counts them. */
  summary(now: number): FailedConfigSummary {
    this.cleanup(now);
    const bySource = new Map<string, number>();
    const byService = new Map<string, number>();
    for (const { source, service } of this.#entries.values()) {
      const name = service ?? "unknown";
      bySource.set(source, (bySource.get(source) ?? 0) + 1);
      byService.set(name, (byService.get(name) ?? 0) + 1);
    }
    return {
      total: this.#entries.size,
      bySource: Object.fromEntries(bySource),
      byService: Object.fromEntries(byService),
    };
  }

  /** Drops the expired ones; returns how many. */
  cleanup(now: number): number {
    let dropped = 0;
    // In the order in which they came, so the first that is young enough ends it.
    for (const [id, { time }] of this.#entries) {
      if (now - time < FAILED_CONFIG_LIFE_MS) break;
      this.#entries.delete(id);
      dropped += 1;
    }
    return dropped;
  }

  /** Drops all; returns how many. */
  clear(): number {
    const { size } = this.#entries;
    this.#entries.clear();
    return size;
  }
}
