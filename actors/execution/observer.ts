import type { ActorContext, ReadonlyTable } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import type { Request, Response } from "../request/index.ts";
import { type RuntimeSettings, settingsTable } from "./settings.ts";

const { executorRequestStart, executorRequestStop, executorRequestException } = telemetry;

/** The codes of requests that something went wrong with, rather than being refused. */
const EXCEPTIONS: ReadonlySet<string> = new Set(["internal", "timeout", "outcome_unknown"]);

/** Tells of the beginning and the end of requests, to telemetry and to the log of those traced. */
export class Observer {
  readonly #context: ActorContext;
  readonly #settings: ReadonlyTable<RuntimeSettings[keyof RuntimeSettings]>;

  constructor(context: ActorContext) {
    this.#context = context;
    this.#settings = context.table(settingsTable);
  }

  /** A request begins; null for one that could not be read. NaN when nobody wants to know. */
  start(request: Request | null): number {
    const isTraced = this.#isTraced(request);
    const isHeard = executorRequestStart.hasSubscribers;
    if (isHeard) {
      executorRequestStart.publish({ measurements: { count: 1 }, metadata: describe(request) });
    }
    if (isTraced) this.#context.log("info", "request started", describe(request));
    const isMeasured =
      isHeard ||
      isTraced ||
      executorRequestStop.hasSubscribers ||
      executorRequestException.hasSubscribers;
    return isMeasured ? this.#context.clock.now() : Number.NaN;
  }

  /** Its final Response is there; `startedAt` is what `start` returned, and not NaN. */
  end(request: Request | null, startedAt: number, response: Response | null): void {
    const duration_us = Math.round((this.#context.clock.now() - startedAt) * 1_000);
    const { success = true, code = null, error = null } = response ?? {};
    const metadata = { ...describe(request), success, code };
    const channel = EXCEPTIONS.has(code ?? "") ? executorRequestException : executorRequestStop;
    if (channel.hasSubscribers) channel.publish({ measurements: { duration_us }, metadata });
    if (!this.#isTraced(request)) return;
    this.#context.log("info", "request ended", { ...metadata, duration_us, error });
  }

  #isTraced(request: Request | null): boolean {
    const traced = this.#settings.get("tracing") as RuntimeSettings["tracing"];
    if (traced === undefined || traced.length === 0 || request === null) return false;
    return traced.some(
      ({ service, requestType }) =>
        (service === null || service === request.service) &&
        (requestType === null || requestType === request.requestType),
    );
  }
}

function describe(request: Request | null): Record<string, unknown> {
  if (request === null) return { service: null, request_type: null, request_id: null };
  const { service, requestType, requestId, version } = request;
  return { service, request_type: requestType, request_id: requestId, version };
}
