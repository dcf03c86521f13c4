import { type Column, formatDuration, formatTable } from "#runtime";
import type {
  LimitRule,
  LimitStatus,
  LimitsInForce,
  LimitsStatistics,
  ShardStatistics,
} from "../limits/index.ts";

/** What was forgotten: of one value, or of all (null), under how many limits. */
export interface LimitReset {
  readonly value: string | null;
  readonly limits: number;
}

/** What one value has used under each limit. */
export interface ValueStatus {
  readonly value: string;
  readonly limits: readonly LimitStatus[];
}

const ruleColumns: readonly Column<LimitRule>[] = [
  { title: "limit", cell: ({ id }) => id },
  { title: "of", cell: formatScope },
  { title: "key", cell: ({ key }) => key },
  { title: "counted by", cell: ({ scope }) => scope },
  { title: "requests", cell: ({ maxRequests }) => maxRequests, align: "right" },
  { title: "window", cell: ({ windowMs }) => formatDuration(windowMs), align: "right" },
];

/** The limits that are in force, and what holds for all of them. */
export function formatLimits({ enabled, failOpen, rules }: LimitsInForce): string {
  const uncounted = failOpen ? "passes" : "is refused";
  const table = formatTable(ruleColumns, rules, "no limits; rlAdd(rule) adds one");
  return `rate limits are ${enabled ? "on" : "off"}; a request that cannot be counted ${uncounted}\n${table}`;
}

/** The limits of all calls, and how those are who count. */
export function formatLimiters(statistics: LimitsStatistics): string {
  const { rules, shards, quota } = statistics;
  const columns: Column<ShardStatistics>[] = [
    { title: "limiter", cell: ({ name }) => name },
    { title: "keys", cell: ({ keys }) => keys, align: "right" },
    { title: "requests", cell: ({ requests }) => requests, align: "right" },
    { title: "memory KB", cell: ({ bytes }) => Math.ceil(bytes / 1_024), align: "right" },
    { title: "checked", cell: ({ checked }) => checked, align: "right" },
    { title: "refused", cell: ({ refused }) => refused, align: "right" },
    { title: "uncounted", cell: ({ uncounted }) => uncounted, align: "right" },
  ];
  const answered = shards.filter((shard) => shard !== null);
  const lines = [
    formatLimits({ ...statistics, rules }),
    "",
    formatTable(columns, answered, "no limiter answers"),
  ];
  const silent = shards.flatMap((shard, index) => (shard === null ? [`limiter-${index + 1}`] : []));
  if (silent.length > 0) lines.push(`no answer from: ${silent.join(", ")}`);
  if (quota !== null) {
    const { isConnected, checked, refused, uncounted } = quota;
    const state = isConnected ? "answers" : "does not answer";
    lines.push(`Redis ${state}: ${checked} checked, ${refused} refused, ${uncounted} uncounted`);
  }
  return lines.join("\n");
}

/** What a value has used. */
export function formatUsage({ value, limits }: ValueStatus): string {
  const columns: Column<LimitStatus>[] = [
    { title: "limit", cell: ({ id }) => id },
    { title: "of", cell: formatScope },
    { title: "key", cell: ({ key }) => key },
    { title: "used", cell: ({ used }) => used ?? "no answer", align: "right" },
    { title: "of requests", cell: ({ maxRequests }) => maxRequests, align: "right" },
    { title: "remaining", cell: ({ remaining }) => remaining ?? "?", align: "right" },
    {
      title: "unused again in",
      cell: ({ used, resetMs }) => {
        if (resetMs === null) return "?";
        return used === 0 ? "-" : formatDuration(resetMs);
      },
      align: "right",
    },
  ];
  if (limits.length === 0) return "no limits; rlAdd(rule) adds one";
  return `${JSON.stringify(value)} as the value of each limit's key\n${formatTable(columns, limits, "")}`;
}

/** One limit in a line. */
export function formatAdded(rule: LimitRule): string {
  const { id, key, maxRequests, windowMs } = rule;
  const rate = `${maxRequests} requests in ${formatDuration(windowMs)} for each ${key}`;
  return `added the limit ${id}: ${rate}, of ${formatScope(rule)}`;
}

/** What `rlReset` came to. */
export function formatReset({ value, limits }: LimitReset): string {
  const count = `${limits} ${limits === 1 ? "limit" : "limits"}`;
  if (value === null) {
    return `${count} of this node ${limits === 1 ? "begins" : "begin"} anew, for everybody`;
  }
  if (limits === 0) return `${JSON.stringify(value)} has used nothing`;
  return `forgot what ${JSON.stringify(value)} has used, under ${count}`;
}

function formatScope({ service, requestType }: LimitRule): string {
  return service === null ? "all calls" : `${service}/${requestType}`;
}
