import type { Clock } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import type { FunConfig, FunctionTarget } from "../registry/index.ts";

/** Which of the two hooks of a function. */
export type HookPhase = "before" | "after";

const CHANNELS = {
  before: {
    start: telemetry.hookBeforeStart,
    stop: telemetry.hookBeforeStop,
    exception: telemetry.hookBeforeException,
  },
  after: {
    start: telemetry.hookAfterStart,
    stop: telemetry.hookAfterStop,
    exception: telemetry.hookAfterException,
  },
} as const;

/** One run of a hook, as telemetry is told of it: `start`, then `stop` or `exception`. */
export class HookSpan {
  readonly #phase: HookPhase;
  readonly #clock: Clock;
  readonly #config: FunConfig;
  readonly #target: FunctionTarget;
  readonly #requestId: string;
  readonly #startedAt: number;

  /** Tells `start`, with the time of day as `system_time`, ms since 1970. */
  constructor(
    phase: HookPhase,
    clock: Clock,
    config: FunConfig,
    target: FunctionTarget,
    requestId: string,
  ) {
    this.#phase = phase;
    this.#clock = clock;
    this.#config = config;
    this.#target = target;
    this.#requestId = requestId;
    this.#startedAt = clock.now();
    this.#publish("start", () => ({ system_time: clock.wallTime() }), {});
  }

  /** The hook did what a hook may do. */
  stop(outcome: "unchanged" | "changed" | "refused"): void {
    this.#publish("stop", this.#duration, { outcome });
  }

  /** It threw, took too long, returned nonsense, or could not be called. */
  exception(reason: string): void {
    this.#publish("exception", this.#duration, { reason });
  }

  readonly #duration = (): Record<string, number> => ({
    duration_us: Math.round((this.#clock.now() - this.#startedAt) * 1_000),
  });

  #publish(
    event: "start" | "stop" | "exception",
    measure: () => Record<string, number>,
    metadata: Record<string, unknown>,
  ): void {
    const channel = CHANNELS[this.#phase][event];
    if (!channel.hasSubscribers) return;
    const { service, requestType, version } = this.#config;
    channel.publish({
      measurements: measure(),
      metadata: {
        service,
        request_type: requestType,
        version,
        request_id: this.#requestId,
        module: this.#target.module,
        function: this.#target.function,
        ...metadata,
      },
    });
  }
}
