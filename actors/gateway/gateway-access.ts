import {
  type ActorRef,
  type Ask,
  CommandError,
  type Parameter,
  type ReadonlyTable,
  type System,
} from "#runtime";
import { acceptorPrefix } from "../channel/index.ts";
import { Catalog, type FunConfig, registryTable } from "../registry/index.ts";
import {
  encodeFunctionName,
  type Loader,
  loaderName,
  type ServiceRecord,
  servicesTable,
} from "../service/index.ts";
import type { GatewayConfig } from "./config.ts";

/** What the commands act on. */
export interface RunningGateway {
  readonly system: System;
  readonly config: Pick<GatewayConfig, "name" | "role" | "cluster" | "channels" | "breaker">;
}

/** What an actor may take for an answer that tells of its state alone, ms. */
const statusTimeoutMs = 1_000;

/**
 * The way of the commands to the parts of a gateway. Each is looked up when it is needed: what was
 * restarted is found again, and a process without a gateway can list the commands.
 */
export class GatewayAccess {
  readonly #running: () => RunningGateway;

  constructor(running: () => RunningGateway) {
    this.#running = running;
  }

  get system(): System {
    return this.#running().system;
  }

  get config(): RunningGateway["config"] {
    return this.#running().config;
  }

  /** @throws CommandError when no actor has the name. */
  find<A>(name: string): ActorRef<A> {
    const ref = this.system.resolve(name);
    if (ref === undefined) throw new CommandError(`the ${name} is not running at the moment`);
    return ref as ActorRef<A>;
  }

  /** What an actor answers when it is asked how it is; undefined when it does not within 1 s. */
  async status<A, T>(name: string, ask: (actor: Ask<A>) => Promise<T>): Promise<T | undefined> {
    const ref = this.system.resolve(name) as ActorRef<A> | undefined;
    if (ref === undefined) return undefined;
    return ask(ref.askWith({ timeoutMs: statusTimeoutMs })).catch(() => undefined);
  }

  /** The names of the acceptors: each has the sockets of one thread. */
  acceptors(): string[] {
    return this.system.names().filter((name) => name.startsWith(acceptorPrefix));
  }

  /** The loader, whose work takes its time: modules load, calls in progress end. */
  loader(): Ask<Loader> {
    return this.find<Loader>(loaderName).askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  }

  /** The main thread's replica of a table. */
  table<V>(name: string): ReadonlyTable<V> {
    return this.system.table<V>(name);
  }

  /** The loaded services. */
  records(): ReadonlyMap<string, ServiceRecord> {
    return new Map(this.table<ServiceRecord>(servicesTable).entries());
  }

  /** All functions, as the main thread knows them, in the order of lists. */
  functions(): FunConfig[] {
    return sortFunctions(
      Array.from(this.table<FunConfig>(registryTable).entries(), ([, one]) => one),
    );
  }

  /** A parameter that is the name of a service which has functions. */
  serviceParameter(optional = false): Parameter {
    const complete = (): string[] => this.functions().map(({ service }) => service);
    return { name: "service", kind: "text", complete, ...(optional ? { optional } : {}) };
  }

  /** A parameter, after that of the service, that is a function of it: `get_user@2.0.0`. */
  functionParameter(): Parameter {
    const complete = ([service = ""]: readonly string[]): string[] =>
      this.functions()
        .filter((config) => config.service === service)
        .map(encodeFunctionName);
    return { name: "type", kind: "text", complete };
  }
}

/** By service, request type and version, the unversioned one first. */
export function sortFunctions(configs: readonly FunConfig[]): FunConfig[] {
  const catalog = new Catalog<FunConfig>();
  for (const config of configs) catalog.set(config);
  return catalog.list();
}
