import { type Column, formatTable, formatWallTime, type ReadonlyTable } from "#runtime";
import {
  type ConfigReport,
  type FailedConfig,
  type FailedConfigSummary,
  type FunConfig,
  registryKey,
} from "../registry/index.ts";

/** What the registry holds of one service. */
interface ServiceShare {
  readonly service: string;
  /** Different names of functions. */
  readonly functions: number;
  /** Each version counted. */
  readonly entries: number;
  readonly disabled: number;
}

/** What the registry holds. */
export interface CacheStatus {
  readonly entries: number;
  readonly services: number;
  readonly functions: number;
  /** Entries that have a version. */
  readonly versions: number;
  readonly disabled: number;
  /** Where the main thread's copy of the table stands. */
  readonly position: ReadonlyTable<FunConfig>["position"];
  readonly byService: readonly ServiceShare[];
}

/** Counts entries. */
export function selectCacheStatus(
  configs: readonly FunConfig[],
  position: CacheStatus["position"],
): CacheStatus {
  const count = (all: readonly FunConfig[]): Omit<ServiceShare, "service"> => ({
    functions: new Set(all.map((one) => JSON.stringify([one.service, one.requestType]))).size,
    entries: all.length,
    disabled: all.filter(({ disabled }) => disabled).length,
  });
  const services = Map.groupBy(configs, ({ service }) => service);
  return {
    ...count(configs),
    services: services.size,
    versions: configs.filter(({ version }) => version !== null).length,
    position,
    byService: Array.from(services, ([service, own]) => ({ service, ...count(own) })),
  };
}

/** What the registry holds, by service. */
export function formatCache(cache: CacheStatus): string {
  const { entries, services, functions, versions, disabled, position, byService } = cache;
  const number = (title: "functions" | "entries" | "disabled"): Column<ServiceShare> => ({
    ...{ title, cell: (share) => share[title], align: "right" },
  });
  const table = formatTable<ServiceShare>(
    [
      { title: "service", cell: ({ service }) => service },
      ...[number("functions"), number("entries"), number("disabled")],
    ],
    byService,
    "no functions; spawn(path) loads a service",
  );
  return [
    `${entries} entries: ${functions} functions of ${services} services, ${versions} with a version, ${disabled} disabled`,
    `table position: writer ${position.epoch}, change ${position.version}`,
    table,
  ].join("\n");
}

/** A table of failed configs, the newest first. */
export function formatFailedConfigs(failed: readonly FailedConfig[]): string {
  const columns: Column<FailedConfig>[] = [
    { title: "time", cell: ({ time }) => formatWallTime(time) },
    { title: "source", cell: ({ source }) => source },
    { title: "node", cell: ({ node }) => node },
    { title: "config", cell: formatName },
    { title: "reasons", cell: ({ reasons }) => reasons.join("; ") },
  ];
  return formatTable(columns, failed, "no failed configs");
}

/** How many failed configs there are. */
export function formatFailedSummary({ total, bySource, byService }: FailedConfigSummary): string {
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ");
  if (total === 0) return "no failed configs";
  return [
    `${total} failed ${total === 1 ? "config" : "configs"} in the last 24 hours`,
    `by source: ${list(bySource)}`,
    `by service: ${list(byService)}`,
  ].join("\n");
}

/** What there is to say of a config: its faults, or what it stands for. */
export function formatReport({ config, errors, warnings }: ConfigReport): string {
  const notes = warnings.map((warning) => `warning: ${warning}`);
  if (config === null) return ["invalid", ...errors.map(({ message }) => message)].join("\n");
  return [`valid: ${registryKey(config)}`, ...notes].join("\n");
}

function formatName({ service, requestType, version }: FailedConfig): string {
  return `${service ?? "?"}/${requestType ?? "?"}${version === null ? "" : `@${version}`}`;
}
