import { Actor, type TableWriter } from "#runtime";
import { type RuntimeSettings, settingsTable, type TracedFunction } from "../execution/index.ts";

/** The registered name of {@link Settings}. */
export const settingsName = "settings";

/** So many functions can be traced at once; the oldest one makes room. */
const maxTraced = 100;

/**
 * Keeps what operators change while the gateway runs: the one writer of the table that every thread
 * reads. A change holds on each thread as soon as its turn comes. After a restart it goes on from
 * the table.
 */
export class Settings extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #table: TableWriter<unknown> = this.context.writeTable(settingsTable);
  readonly #nodeName: string;

  constructor(nodeName: string) {
    super();
    this.#nodeName = nodeName;
  }

  protected override init(): void {
    this.#table.set("nodeName", this.#nodeName);
  }

  /** All that has been changed. */
  current(): RuntimeSettings {
    return Object.fromEntries(this.#table.entries());
  }

  /** Tells clients the details of unexpected errors, or not. */
  changeDetailError(enabled: boolean): RuntimeSettings {
    this.#table.set("detailError", enabled);
    return this.current();
  }

  /** Traces a function, a service's functions (`requestType` null), or all (both null). */
  enableTracing(service: string | null, requestType: string | null): RuntimeSettings {
    const { tracing = [] } = this.current();
    const others = tracing.filter(
      (traced) => traced.service !== service || traced.requestType !== requestType,
    );
    const all: TracedFunction[] = [...others, { service, requestType }];
    this.#table.set("tracing", all.slice(-maxTraced));
    return this.current();
  }

  /** Traces nothing any more. */
  disableTracing(): RuntimeSettings {
    this.#table.delete("tracing");
    return this.current();
  }
}
