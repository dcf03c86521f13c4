import type { FunConfig } from "../registry/index.ts";
import type { OfferSource, ServiceReport } from "./service-report.ts";

/** What became of a push: `refused` with a line per fault; nothing has changed then. */
export type PushOutcome =
  | { readonly outcome: "accepted" | "unchanged" }
  | { readonly outcome: "refused"; readonly faults: readonly string[] };

/** How a version compares with the one that is known. */
export type Verification = "matched" | "mismatch" | "not_found";

/** A service on one of the nodes that offer it. */
interface NodeStatus {
  readonly node: string;
  readonly isUp: boolean;
  readonly version: string;
  readonly source: OfferSource;
  /** When this version came, ms since 1970. */
  readonly receivedAt: number;
  /** When the node last said that this is its version, ms since 1970. */
  readonly confirmedAt: number;
}

/** A service that other nodes offer. */
export interface ServiceStatus {
  readonly service: string;
  /** `request_type`, or `request_type@version`. */
  readonly functions: readonly string[];
  /** By name. */
  readonly nodes: readonly NodeStatus[];
  /** It is loaded here as well, so that calls go to this node alone. */
  readonly isOwn: boolean;
}

/** How far a node's pushes to another have got. */
export interface PushStatus {
  readonly node: string;
  /** `waiting`: there is nobody to push to, or no answer so far. */
  readonly state: "waiting" | "synced" | "refused";
  /** What the node refused, or why it did not answer. */
  readonly faults: readonly string[];
  /** Milliseconds since 1970; null: never. */
  readonly syncedAt: number | null;
}

/** What operators see of the services that other nodes offer, by name. */
export function selectServicesStatus(
  reports: Iterable<ServiceReport>,
  isUp: (node: string) => boolean,
  confirmedAt: (report: ServiceReport) => number,
  isOwn: (service: string) => boolean,
): ServiceStatus[] {
  const services = Map.groupBy(reports, ({ service }) => service);
  return [...services]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([service, all]) => ({
      service,
      functions: [...new Set(all.flatMap(({ configs }) => configs.map(encodeName)))].sort(),
      nodes: all
        .map((report) => {
          const { node, version, source, receivedAt } = report;
          const status = { node, isUp: isUp(node), version, source, receivedAt };
          return { ...status, confirmedAt: confirmedAt(report) };
        })
        .sort((one, other) => (one.node < other.node ? -1 : 1)),
      isOwn: isOwn(service),
    }));
}

function encodeName({ requestType, version }: FunConfig): string {
  return version === null ? requestType : `${requestType}@${version}`;
}
