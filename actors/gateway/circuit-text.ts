import { type Column, formatDuration, formatTable } from "#runtime";
import type { BreakerRecord } from "../breaker/index.ts";
import type { PoolStatus } from "../pool/index.ts";

/** The circuit of one target that has failed of late. */
export interface CircuitInfo extends BreakerRecord {
  /** `local/<service>/<request type>`, or with the name of a pool: `pool/async/…`. */
  readonly target: string;
  /** How long it has been in its state. */
  readonly stateMs: number;
  /** Until an open one lets probes through; null in the other states. */
  readonly probesInMs: number | null;
}

/** All circuits that there is something to say of. */
export interface Circuits {
  /** False: no circuit ever opens. */
  readonly enabled: boolean;
  readonly circuits: readonly CircuitInfo[];
}

/** A function that lets few in at once. */
export interface BulkheadUse {
  /** `service/request_type@version`. */
  readonly function: string;
  /** Calls inside; null, as `waiting`, when its bulkhead does not answer. */
  readonly held: number | null;
  readonly waiting: number | null;
  /** Null, as `maxQueue`, when the function is gone, or has no limit any more. */
  readonly maxConcurrent: number | null;
  readonly maxQueue: number | null;
}

/** The pools. */
export interface Pools {
  /** `openCircuits`: of the functions that it runs, those not closed. */
  readonly pools: readonly (PoolStatus & { readonly openCircuits: number })[];
  /** The names of those that do not answer. */
  readonly silent: readonly string[];
}

/** A circuit as of now, both times milliseconds since 1970. */
export function describeCircuit(target: string, record: BreakerRecord, now: number): CircuitInfo {
  const { since, openUntil } = record;
  return {
    target,
    ...record,
    stateMs: Math.max(0, now - since),
    probesInMs: openUntil === null ? null : Math.max(0, openUntil - now),
  };
}

/** A table of circuits. */
export function formatCircuits({ enabled, circuits }: Circuits): string {
  const columns: Column<CircuitInfo>[] = [
    { title: "target", cell: ({ target }) => target },
    { title: "circuit", cell: ({ state }) => state.replace("_", "-") },
    { title: "for", cell: ({ stateMs }) => formatDuration(stateMs), align: "right" },
    {
      title: "probes in",
      cell: ({ probesInMs }) => (probesInMs === null ? "" : formatDuration(probesInMs)),
      align: "right",
    },
    { title: "failures", cell: ({ failures }) => failures, align: "right" },
    { title: "of calls", cell: ({ calls }) => calls, align: "right" },
    { title: "in a row", cell: (one) => one.consecutiveFailures, align: "right" },
    { title: "reason", cell: ({ reason }) => reason },
  ];
  if (!enabled) return "circuit breakers are off: breaker.enabled is false";
  return formatTable(columns, circuits, "all circuits are closed, and nothing has failed of late");
}

/** A table of bulkheads. */
export function formatBulkheads(bulkheads: readonly BulkheadUse[]): string {
  const columns: Column<BulkheadUse>[] = [
    { title: "function", cell: (one) => one.function },
    { title: "inside", cell: ({ held }) => held ?? "no answer", align: "right" },
    { title: "of", cell: ({ maxConcurrent }) => maxConcurrent ?? "-", align: "right" },
    { title: "waiting", cell: ({ waiting }) => waiting ?? "no answer", align: "right" },
    { title: "of", cell: ({ maxQueue }) => maxQueue ?? "-", align: "right" },
  ];
  return formatTable(columns, bulkheads, "no function has a maxConcurrent");
}

/** A table of pools; those that did not answer are named below it. */
export function formatPools({ pools, silent }: Pools): string {
  type Row = Pools["pools"][number];
  const count = (title: string, cell: (row: Row) => string | number): Column<Row> => ({
    ...{ title, cell, align: "right" },
  });
  const table = formatTable<Row>(
    [
      { title: "pool", cell: ({ name }) => name },
      count("open circuits", ({ openCircuits }) => openCircuits),
      count("threads", ({ threads, maxThreads }) => `${threads} of ${maxThreads}`),
      count("busy", ({ busy }) => busy),
      count("waiting", ({ queued, maxQueue }) => `${queued} of ${maxQueue}`),
      count("completed", ({ completed }) => completed),
      count("failed", ({ failed }) => failed),
      count("rejected", ({ rejected }) => rejected),
      count("killed", ({ killed }) => killed),
      count("used", ({ utilization }) => `${Math.round(utilization * 100)} %`),
    ],
    pools,
    "no pools",
  );
  return silent.length === 0 ? table : `${table}\nno answer from: ${silent.join(", ")}`;
}
