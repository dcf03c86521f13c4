import type { ActorContext } from "#runtime";
import {
  type Catalog,
  type CatalogEntry,
  type FunConfig,
  followRegistry,
  registryTable,
} from "../registry/index.ts";
import { type ArgumentsOutcome, compileArguments } from "./arguments.ts";
import type { CallInfo } from "./call-info.ts";

/** The group whose members serve the functions with `mfa.module` `module`. */
export function serviceGroup(module: string): string {
  return `service/${module}`;
}

/** One registry entry as this thread calls it, with what is worth keeping between calls. */
export class Callable implements CatalogEntry {
  readonly service: string;
  readonly requestType: string;
  readonly version: string | null;
  readonly disabled: boolean;
  readonly config: FunConfig;
  /** The group of the instances. */
  readonly group: string;
  /** The message that the instances take. */
  readonly method: string;
  /** Infinity for a function without a deadline. */
  readonly timeoutMs: number;
  #check: ((args: Record<string, unknown>) => ArgumentsOutcome) | null = null;

  constructor(config: FunConfig) {
    this.config = config;
    this.service = config.service;
    this.requestType = config.requestType;
    this.version = config.version;
    this.disabled = config.disabled;
    this.group = serviceGroup(config.mfa.module);
    this.method = config.mfa.function;
    this.timeoutMs = config.timeout === "infinity" ? Number.POSITIVE_INFINITY : config.timeout;
  }

  /** Checks the arguments; the check is compiled at its first use on a thread. */
  checkArguments(args: Record<string, unknown>): ArgumentsOutcome {
    this.#check ??= compileArguments(this.config);
    return this.#check(args);
  }

  /** What the instance is sent: the predefined arguments, those of the request, who asks. */
  encodeMessage(values: unknown[] | Record<string, unknown>, info: CallInfo): unknown[] {
    const predefined = this.config.mfa.args;
    if (Array.isArray(values)) return [...predefined, ...values, info];
    return predefined.length === 0 ? [values, info] : [...predefined, values, info];
  }
}

const catalogs = new WeakMap<object, Catalog<Callable>>();

/** The functions as the thread of `context` knows them: one catalog per thread, always current. */
export function callablesOf(context: ActorContext): Catalog<Callable> {
  const table = context.table<FunConfig>(registryTable);
  let catalog = catalogs.get(table);
  if (catalog === undefined) {
    catalog = followRegistry(table, (config) => new Callable(config));
    catalogs.set(table, catalog);
  }
  return catalog;
}
