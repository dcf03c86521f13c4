import type { ActorContext } from "#runtime";
import { type ArgumentsOutcome, compileArguments } from "../arguments/index.ts";
import { compilePermission, type Permission } from "../hooks/index.ts";
import {
  type Catalog,
  type CatalogEntry,
  type FunConfig,
  followRegistry,
  isModulePath,
  registryKey,
  registryTable,
} from "../registry/index.ts";
import type { CallInfo } from "../request/index.ts";

/** The name of the service whose functions are told which session asks: it brings it into groups. */
export const chatServiceName = "chat_service";

/** The group whose members, on this node, serve the functions with `mfa.module` `module`. */
export function serviceGroup(module: string): string {
  return `service/${module}`;
}

/**
 * What the module of a config is called on every node: the name of the service without the number of
 * its state, the URL of a plain module without its query.
 */
export function serviceName(module: string): string {
  return isModulePath(module) ? module.replace(/\?.*$/s, "") : module.replace(/@\d+$/, "");
}

/** The group whose members, on all nodes, serve those functions. */
export function clusterGroup(module: string): string {
  return `services/${serviceName(module)}`;
}

/** One registry entry as this thread calls it, with what is worth keeping between calls. */
export class Callable implements CatalogEntry {
  readonly key: string;
  readonly service: string;
  readonly requestType: string;
  readonly version: string | null;
  readonly disabled: boolean;
  readonly config: FunConfig;
  /** The group of the instances of this node. */
  readonly group: string;
  /** The group of those of all nodes; null where only those of this node are meant. */
  readonly clusterGroup: string | null;
  /** The message that the instances take. */
  readonly method: string;
  /** The registered name of the pool that runs it; null: the instances do. */
  readonly pool: string | null;
  /** What its circuit breaker watches over. */
  readonly target: string;
  /** Whether it is told which session asks. */
  readonly takesSession: boolean;
  /** Infinity for a function without a deadline. */
  readonly timeoutMs: number;
  /** Whether a caller may call it; null: everybody may. */
  readonly permission: Permission | null;
  #check: ((args: Record<string, unknown>) => ArgumentsOutcome) | null = null;

  constructor(config: FunConfig, context: ActorContext) {
    const { service, requestType, version, disabled, nodes, mfa, timeout } = config;
    this.config = config;
    this.key = registryKey(config);
    this.service = service;
    this.requestType = requestType;
    this.version = version;
    this.disabled = disabled;
    this.group = serviceGroup(mfa.module);
    this.clusterGroup = nodes === "local" ? null : clusterGroup(mfa.module);
    this.method = mfa.function;
    this.pool = selectPool(config);
    // Of its own: a function that fails, for whatever a client sends it, takes no other along.
    this.target = `${this.pool ?? "local"}/${service}/${requestType}`;
    this.takesSession = mfa.module === chatServiceName;
    this.timeoutMs = timeout === "infinity" ? Number.POSITIVE_INFINITY : timeout;
    this.permission = compilePermission(config, context);
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

/** The pools, by their registered names: one for work that ends, one for work that goes on. */
function selectPool({ executor, responseType }: FunConfig): string | null {
  if (executor === "actor") return null;
  return responseType === "stream" ? "pool/stream" : "pool/async";
}

const catalogs = new WeakMap<object, Catalog<Callable>>();

/** The functions as the thread of `context` knows them: one catalog per thread, always current. */
export function callablesOf(context: ActorContext): Catalog<Callable> {
  const table = context.table<FunConfig>(registryTable);
  let catalog = catalogs.get(table);
  if (catalog === undefined) {
    catalog = followRegistry(table, (config) => new Callable(config, context));
    catalogs.set(table, catalog);
  }
  return catalog;
}
