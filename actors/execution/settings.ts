/** What holds for the whole gateway and may change while it runs; every thread reads it here. */
export const settingsTable = "settings";

/** A function whose requests are traced; null stands for every one. */
export interface TracedFunction {
  readonly service: string | null;
  readonly requestType: string | null;
}

/**
 * The keys of the table and their values. A key that is not there has never been changed: what the
 * configuration says holds.
 */
export interface RuntimeSettings {
  /** Whether clients are told the details of unexpected errors. */
  readonly detailError?: boolean;
  readonly tracing?: readonly TracedFunction[];
  /** What this node is called, by which FunConfigs may name it beside `local`. */
  readonly nodeName?: string;
}
