import type { ReadonlyTable } from "#runtime";
import type { ServiceRecord } from "../service/index.ts";

/** Finds the loaded service that a module name of a FunConfig stands for. */
export class ServiceLookup {
  readonly #table: ReadonlyTable<ServiceRecord>;
  readonly #found = new Map<string, ServiceRecord>();

  constructor(table: ReadonlyTable<ServiceRecord>) {
    this.#table = table;
  }

  /** Undefined when there is none. */
  find(module: string): ServiceRecord | undefined {
    const known = this.#found.get(module);
    if (known !== undefined && this.#table.get(known.name) === known) return known;
    const records = [...this.#table.entries()].map(([, record]) => record);
    const found = selectService(records, module);
    if (found === undefined) this.#found.delete(module);
    else this.#found.set(module, found);
    return found;
  }
}

/**
 * The service of that module; or the present state of a service whose other states have such
 * modules, `name` or `name@2`: a call may have been sent just before it was replaced, or come here
 * before word of that does.
 */
export function selectService(
  records: readonly ServiceRecord[],
  module: string,
): ServiceRecord | undefined {
  return (
    records.find((record) => record.module === module) ??
    records.find(
      ({ name }) =>
        module === name || (/^@\d+$/.test(module.slice(name.length)) && module.startsWith(name)),
    )
  );
}
