/** What operators see of nodes, as text. */

import { type Column, formatDuration, formatTable, formatWallTime } from "#runtime";
import type { PushStatus, ServiceStatus } from "../exchange/index.ts";
import type { ClusterView, NodeRow, ServiceView } from "./node-view.ts";

/** What was exchanged with other nodes; `pushes` is null on a node that pushes nothing. */
export interface ExchangeView {
  readonly services: readonly ServiceStatus[];
  readonly pushes: readonly PushStatus[] | null;
}

/** The start of a node, as its incarnation tells it: ms since 1970 times 1,024. */
function formatStart(incarnation: number | null): string {
  return incarnation === null ? "" : formatWallTime(Math.floor(incarnation / 1_024));
}

/** A table of nodes; `*` marks the one that tells. */
export function formatNodes(rows: readonly NodeRow[]): string {
  const count = (title: string, cell: (row: NodeRow) => number | undefined): Column<NodeRow> => ({
    ...{ title, align: "right", cell: (row) => cell(row) ?? "" },
  });
  const columns: Column<NodeRow>[] = [
    { title: "node", cell: ({ name, isSelf }) => (isSelf ? `${name} *` : name) },
    { title: "state", cell: ({ state }) => state },
    { title: "roles", cell: ({ roles }) => roles.join(", ") },
    { title: "since", cell: ({ incarnation }) => formatStart(incarnation) },
    {
      ...{ title: "uptime", align: "right" },
      cell: ({ summary }) => (summary === null ? "" : formatDuration(summary.uptimeMs)),
    },
    count("threads", ({ summary }) => summary?.threads),
    count("actors", ({ summary }) => summary?.actors),
    count("sockets", ({ summary }) => summary?.sockets),
    {
      ...{ title: "rtt ms", align: "right" },
      cell: ({ rttMs }) => (rttMs === null ? "" : rttMs.toFixed(1)),
    },
    { title: "services", cell: ({ summary }) => summary?.services.join(", ") ?? "" },
  ];
  return formatTable(columns, rows, "no nodes");
}

/** Two tables: the nodes, and who runs which service. */
export function formatCluster({ nodes, services, self }: ClusterView): string {
  const nodeColumns: Column<ClusterView["nodes"][number]>[] = [
    { title: "node", cell: ({ name, isSelf }) => (isSelf ? `${name} *` : name) },
    { title: "state", cell: ({ state }) => state },
    { title: "roles", cell: ({ roles }) => roles.join(", ") },
  ];
  const serviceColumns: Column<ServiceView>[] = [
    { title: "service", cell: ({ service }) => service },
    { title: "runs on", cell: ({ nodes: all }) => all.map(formatReplicas).join(", ") || "nowhere" },
    { title: "functions", cell: ({ functions }) => functions.join(", ") },
  ];
  return [
    `the cluster as ${self} sees it`,
    formatTable(nodeColumns, nodes, "no nodes"),
    "",
    formatTable(serviceColumns, services, "no services"),
  ].join("\n");
}

function formatReplicas({ node, instances }: ServiceView["nodes"][number]): string {
  return instances === 1 ? node : `${node} (${instances})`;
}

/** A line for each service and node that offers it, and for each node that is pushed to. */
export function formatExchange({ services, pushes }: ExchangeView): string {
  const rows = services.flatMap((one) => one.nodes.map((node) => ({ ...one, ...node })));
  const offers = formatTable<(typeof rows)[number]>(
    [
      { title: "service", cell: ({ service }) => service },
      { title: "node", cell: ({ node }) => node },
      { title: "state", cell: ({ isUp }) => (isUp ? "up" : "down") },
      { title: "by", cell: ({ source }) => source },
      { title: "version", cell: ({ version }) => version.slice(0, 12) },
      { title: "received", cell: ({ receivedAt }) => formatWallTime(receivedAt) },
      { title: "confirmed", cell: ({ confirmedAt }) => formatWallTime(confirmedAt) },
      {
        title: "functions",
        cell: ({ functions, isOwn }) =>
          functions.join(", ") + (isOwn ? " (loaded here, so that calls stay here)" : ""),
      },
    ],
    rows,
    "no other node has offered a service",
  );
  if (pushes === null) return offers;
  const pushed = formatTable<PushStatus>(
    [
      { title: "pushes to", cell: ({ node }) => node },
      { title: "state", cell: ({ state }) => state },
      {
        title: "since",
        cell: ({ syncedAt }) => (syncedAt === null ? "" : formatWallTime(syncedAt)),
      },
      { title: "faults", cell: ({ faults }) => faults.join("; ") },
    ],
    pushes,
    "there is no gateway to push to",
  );
  return `${offers}\n\n${pushed}`;
}
