import type { ActorContext, ReadonlyTable } from "#runtime";
import {
  type FunctionFile,
  functionFilesTable,
  type ServiceRecord,
  servicesTable,
} from "../service/index.ts";

/** The services that have functions of this node: of service modules, and of function files. */
export class OwnServices {
  readonly #services: ReadonlyTable<ServiceRecord>;
  readonly #files: ReadonlyTable<FunctionFile>;

  constructor(context: Pick<ActorContext, "table">) {
    this.#services = context.table<ServiceRecord>(servicesTable);
    this.#files = context.table<FunctionFile>(functionFilesTable);
  }

  names(): Set<string> {
    const names = new Set(Array.from(this.#services.entries(), ([name]) => name));
    for (const [, { configs }] of this.#files.entries()) {
      for (const { service } of configs) names.add(service);
    }
    return names;
  }

  /** Calls `listener` after each change; the result unsubscribes. */
  onChange(listener: () => void): () => void {
    const unsubscribe = [this.#services.onChange(listener), this.#files.onChange(listener)];
    return () => {
      for (const one of unsubscribe) one();
    };
  }
}
