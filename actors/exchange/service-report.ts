import type { FunConfig } from "../registry/index.ts";

/** By which way an offer came. */
export type OfferSource = "push" | "pull";

/** What a node offers of one service, as it travels. */
export interface ServiceOffer {
  readonly service: string;
  /** Of the configs: equal exactly when they are. */
  readonly version: string;
  /** Where one says `local`, it means the node that offers it. */
  readonly configs: readonly unknown[];
}

/** What a node is known to offer of one service. */
export interface ServiceReport {
  readonly service: string;
  readonly node: string;
  readonly version: string;
  readonly source: OfferSource;
  readonly configs: readonly FunConfig[];
  /** Counts the reports of this node's receiver: the higher of two is newer. */
  readonly order: number;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
}

/** The table of all reports, by {@link reportKey}. */
export const reportsTable = "service_reports";

/** The key of a report in the table. */
export function reportKey(node: string, service: string): string {
  return `${node} ${service}`;
}
