import { Actor, type ActorContext, type ActorRef, ReplyError } from "#runtime";
import type { RefusedConfig } from "./batch.ts";
import { copyBounded } from "./bounded-copy.ts";
import {
  type ConfigSource,
  type FailedConfig,
  type FailedConfigFilter,
  FailedConfigLog,
  type FailedConfigSummary,
  type Refusal,
} from "./failed-config-log.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";

/** The registered name of {@link FailedConfigs}. */
export const failedConfigsName = "failed_configs";

/** Where configs come from. */
export interface ConfigOrigin {
  readonly source: ConfigSource;
  /** The name of the node; `local` for this one. */
  readonly node: string;
}

const MAX_REASONS = 20;
const MAX_REASON_LENGTH = 500;
/** Of one batch: enough to see what is wrong with it, too few to push all others out. */
const MAX_OF_A_BATCH = 100;

/**
 * Keeps what was refused, for people to look at: 24 hours, 1,000 at most, in memory alone. A restart
 * forgets them.
 */
export class FailedConfigs extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #log = new FailedConfigLog();

  /** Takes note of refusals; {@link tellRefusals} sends them. */
  record(refusals: readonly Refusal[]): void {
    for (const refusal of refusals) this.#log.record(refusal, this.#now());
  }

  /**
   * The failed configs, the newest first.
   * @throws ReplyError `invalid_filter` for a limit that is none.
   */
  list(filter: FailedConfigFilter = {}): FailedConfig[] {
    const { limit } = filter;
    if (limit !== undefined && !(Number.isInteger(limit) && limit >= 0)) {
      const message = `limit: expected an integer of 0 or more, received ${printReceived(limit)}`;
      throw new ReplyError("invalid_filter", message);
    }
    return this.#log.list(filter, this.#now());
  }

  /** How many there are, by source and by service. */
  summary(): FailedConfigSummary {
    return this.#log.summary(this.#now());
  }

  /** Drops what is older than 24 hours; returns how many there were. */
  cleanup(): number {
    return this.#log.cleanup(this.#now());
  }

  /** Drops all; returns how many there were. */
  clear(): number {
    return this.#log.clear();
  }

  #now(): number {
    return this.context.clock.wallTime();
  }
}

/**
 * Lets {@link FailedConfigs} know of refused configs, where it runs. Never waits, never fails: that a
 * config was refused is told to its sender first of all.
 */
export function tellRefusals(
  context: ActorContext,
  { source, node }: ConfigOrigin,
  refused: readonly RefusedConfig[],
): void {
  const failedConfigs = context.whereis(failedConfigsName) as ActorRef<FailedConfigs> | undefined;
  if (failedConfigs === undefined || refused.length === 0) return;
  const refusals = refused.slice(0, MAX_OF_A_BATCH).map(({ input, faults }) => ({
    ...describe(input),
    ...{ source, node, reasons: encodeReasons(faults), config: copyBounded(input) },
  }));
  failedConfigs.tell.record(refusals);
}

function describe(input: unknown): Pick<Refusal, "service" | "requestType" | "version"> {
  const map = isMap(input) ? input : {};
  return {
    service: textOrNull(map["service"]),
    requestType: textOrNull(map["requestType"] ?? map["request_type"]),
    version: textOrNull(map["version"]),
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value.slice(0, 256).toWellFormed() : null;
}

function encodeReasons(faults: readonly string[]): string[] {
  const reasons = faults
    .slice(0, MAX_REASONS)
    .map((fault) => fault.slice(0, MAX_REASON_LENGTH).toWellFormed());
  const rest = faults.length - reasons.length;
  return rest > 0 ? [...reasons, `and ${rest} more`] : reasons;
}
