import { fileURLToPath } from "node:url";
import {
  Actor,
  type ActorRef,
  ReplyError,
  type Signal,
  type Supervisor,
  type TableWriter,
  toErrorRecord,
} from "#runtime";
import { type FunConfig, type Registry, registryName } from "../registry/index.ts";
import type { ServiceDefinition } from "./define-service.ts";
import { parseServiceConfigs } from "./fun-configs.ts";
import { hasPublicMethod, parseServiceExport } from "./service-class.ts";
import { importServiceModule, resolveServiceModule, versionedUrl } from "./service-module.ts";
import {
  encodeFunctionName,
  type ServiceInfo,
  type ServiceRecord,
  servicesTable,
} from "./service-record.ts";
import { encodeServiceSpec, listInstances } from "./service-start.ts";

/** The registered name of the {@link Loader}. */
export const loaderName = "loader";

/** The registered name of the supervisor that every service's supervisor is a child of. */
export const servicesName = "services";

/** How the loader works. */
export interface LoaderOptions {
  /** The scheduler threads, for services with an instance on each. */
  readonly schedulers: readonly number[];
  /** Time for the calls in progress when an instance is stopped, ms; default 15,000. */
  readonly drainMs?: number;
  /** How long replaced instances go on serving threads that have not heard, ms; default 250. */
  readonly handoverMs?: number;
  /** Time for a module to load, ms; default 30,000. */
  readonly importTimeoutMs?: number;
}

/** A service that was read from its module and found good, not yet started. */
interface Candidate {
  readonly definition: ServiceDefinition;
  readonly configs: readonly FunConfig[];
  readonly source: string;
  readonly url: string;
  readonly module: string;
}

/** Between two attempts of a restarted loader to find the others, ms. */
const RECONCILE_MS = 200;

/**
 * Loads service modules into the running gateway, replaces and stops them, one at a time. A service
 * is validated whole, then started, then registered: what fails leaves everything as it was. A
 * loader that is restarted goes on from its table. Ask it with a time limit that leaves room for the
 * start or the drain of a service.
 */
export class Loader extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #options: Required<LoaderOptions>;
  readonly #table: TableWriter<ServiceRecord> = this.context.writeTable(servicesTable);
  /** The supervisors of the running services: their pids, and the service of each. */
  readonly #running = new Map<string, string>();
  /** How often each service was loaded: two states of one never share a name. */
  readonly #generations = new Map<string, number>();
  /** The supervisor of all services, which is watched: what it takes with it is loaded again. */
  #supervisor: ActorRef | null = null;
  #lastToken = 0;

  constructor(options: LoaderOptions) {
    super();
    this.#options = { drainMs: 15_000, handoverMs: 250, importTimeoutMs: 30_000, ...options };
  }

  protected override init(): void {
    if (this.#table.size > 0) this.context.after(0, () => this.#reconcile(false));
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated" && this.#supervisor?.equals(signal.ref)) {
      this.#supervisor = null;
      this.context.after(RECONCILE_MS, () => this.#reconcile(true));
      return;
    }
    const name = this.#running.get(signal.ref.key);
    const record = name === undefined ? undefined : this.#table.get(name);
    if (signal.type !== "terminated" || name === undefined || record === undefined) return;
    this.#running.delete(signal.ref.key);
    this.#down(record, signal.reason.message);
  }

  /**
   * Loads a module: a path, from the working directory, or a `file:` URL. If its service is running,
   * the new instances come up first, then the functions are switched over, then the old instances
   * end with their calls in progress. What the module itself imports is not loaded anew: ES modules
   * stay as they were first imported.
   * @throws ReplyError with path and reason: `no_such_file`, `load_failed` (with the line of a syntax
   * error), `invalid_service` (a line per fault), `duplicate_service` (another file's), `start_failed`.
   */
  async load(pathOrUrl: string): Promise<ServiceInfo> {
    const source = resolveServiceModule(pathOrUrl);
    const candidate = await this.#check(source);
    const record = await this.#start(candidate);
    const { name, functions, instances } = record;
    this.context.log("info", "service loaded", { service: name, source, functions, instances });
    return toInfo(record);
  }

  /**
   * Stops a service; its functions answer `unsupported_function` from now on. Resolves when the
   * calls in progress have ended. @throws ReplyError `no_service`.
   */
  async stop(service: string): Promise<void> {
    const record = this.#find(service);
    await this.#registry().ask.unregister(service);
    this.#table.delete(service);
    this.#forget(service);
    this.context.log("info", "service stopped", { service });
    if (record.status === "running") await this.#end(record.module);
  }

  /** Loads the module of a service again, changed or not. @throws as `load`, and `no_service`. */
  restart(service: string): Promise<ServiceInfo> {
    return this.load(this.#find(service).source);
  }

  /** The loaded services. */
  list(): ServiceInfo[] {
    return [...this.#table.entries()].map(([, record]) => toInfo(record));
  }

  async #check(source: string): Promise<Candidate> {
    const path = fileURLToPath(source);
    const url = versionedUrl(source, this.#nextToken());
    const read = parseServiceExport(await this.#inTime(importServiceModule(url), path));
    if (!read.ok) throw new ReplyError("invalid_service", `${path}: ${read.reason}`);
    const { definition, actorClass } = read;
    const { name } = definition;
    const present = this.#table.get(name);
    if (present !== undefined && present.source !== source) {
      const other = fileURLToPath(present.source);
      const message = `${path}: the service ${name} is loaded from ${other}; stop it first`;
      throw new ReplyError("duplicate_service", message);
    }
    const module = this.#nextModule(name, present);
    const hasMethod =
      actorClass === null ? null : (method: string) => hasPublicMethod(actorClass, method);
    const batch = parseServiceConfigs(definition, module, hasMethod);
    if (!batch.ok) {
      const faults = batch.faults.map((fault) => `\n  ${fault}`).join("");
      throw new ReplyError("invalid_service", `${path}: the service ${name} is invalid:${faults}`);
    }
    return { definition, configs: [...batch.configs.values()], source, url, module };
  }

  async #start(candidate: Candidate): Promise<ServiceRecord> {
    const { definition, configs, source, url, module } = candidate;
    const { name, options } = definition;
    const spec = encodeServiceSpec(module, url, options, this.#options);
    let supervisor: ActorRef;
    try {
      supervisor = await this.#services().startChild(spec);
    } catch (error) {
      const message = `${fileURLToPath(source)}: ${toErrorRecord(error).message}`;
      throw new ReplyError("start_failed", message, error);
    }
    const before = this.#table.get(name);
    const record: ServiceRecord = {
      ...{ name, source, module, configs, status: "running", reason: null },
      instances: listInstances(module, options, this.#options.schedulers),
      functions: configs.map(encodeFunctionName),
      loadedAt: this.context.clock.wallTime(),
    };
    // Written first: a loader that dies between the two registers what its table says.
    this.#table.set(name, record);
    try {
      await this.#registry().ask.replace(name, configs);
    } catch (error) {
      this.#undo(record, before);
      throw error;
    }
    this.#forget(name);
    this.#follow(supervisor, name);
    if (before?.status === "running") this.#retire(before.module);
    return record;
  }

  #undo({ name, module }: ServiceRecord, before: ServiceRecord | undefined): void {
    if (before === undefined) this.#table.delete(name);
    else this.#table.set(name, before);
    // The registry may have done what it did not live to confirm.
    const registry = this.context.whereis(registryName) as ActorRef<Registry> | undefined;
    if (before === undefined) registry?.tell.unregister(name);
    else registry?.tell.replace(name, before.configs);
    void this.#end(module);
  }

  /** Ends replaced instances once every thread calls the new ones. */
  #retire(module: string): void {
    this.context.after(this.#options.handoverMs, () => {
      void this.#end(module);
    });
  }

  /** Resolves when the instances have stopped; a failure is logged. */
  async #end(module: string): Promise<void> {
    try {
      await this.#services().terminateChild(module);
    } catch (error) {
      const { code, message } = toErrorRecord(error);
      if (code !== "no_child")
        this.context.log("error", "service not stopped", { module, message });
    }
  }

  /**
   * After a restart, of this actor or of the services' supervisor: what the table says is made so
   * again, and what it does not know is ended. A service that is down for its own faults stays so,
   * unless `all` went down together.
   */
  async #reconcile(all: boolean): Promise<void> {
    try {
      const children = await this.#services().whichChildren();
      const records = [...this.#table.entries()].map(([, record]) => record);
      for (const record of records) {
        const child = children.find(({ id }) => id === record.module);
        if (child?.ref) {
          await this.#registry().ask.replace(record.name, record.configs);
          this.#follow(child.ref, record.name);
        } else if (all || record.status === "running") await this.#revive(record);
      }
      const known = new Set(records.map(({ module }) => module));
      for (const { id } of children) if (!known.has(id)) void this.#end(id);
    } catch (error) {
      const { message } = toErrorRecord(error);
      this.context.log("warn", "services not found yet", { error: message });
      this.context.after(RECONCILE_MS, () => this.#reconcile(all));
    }
  }

  async #revive(record: ServiceRecord): Promise<void> {
    try {
      await this.load(record.source);
    } catch (error) {
      this.#down(record, toErrorRecord(error).message);
    }
  }

  #follow(supervisor: ActorRef, name: string): void {
    this.#running.set(supervisor.key, name);
    this.context.watch(supervisor);
    const services = this.context.whereis(servicesName);
    if (services === undefined || this.#supervisor?.equals(services)) return;
    this.#supervisor = services;
    this.context.watch(services);
  }

  /** What becomes of the supervisor is of no interest any more. */
  #forget(service: string): void {
    for (const [key, name] of this.#running) if (name === service) this.#running.delete(key);
  }

  #down(record: ServiceRecord, reason: string): void {
    this.#table.set(record.name, { ...record, status: "down", reason });
    this.context.log("error", "service is down", { service: record.name, why: reason });
  }

  #find(service: string): ServiceRecord {
    const record = this.#table.get(service);
    if (record === undefined) throw new ReplyError("no_service", `no service ${service} is loaded`);
    return record;
  }

  /** Unique on every thread and after every restart, so that no import meets an older one's cache. */
  #nextToken(): number {
    this.#lastToken = Math.max(this.#lastToken + 1, Math.floor(this.context.clock.wallTime()));
    return this.#lastToken;
  }

  #nextModule(name: string, present: ServiceRecord | undefined): string {
    const last = this.#generations.get(name) ?? (present === undefined ? 0 : generationOf(present));
    this.#generations.set(name, last + 1);
    return last === 0 ? name : `${name}@${last + 1}`;
  }

  #inTime<T>(work: Promise<T>, path: string): Promise<T> {
    const { importTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = this.context.clock.after(importTimeoutMs, () => {
        const message = `${path}: it had not loaded after ${importTimeoutMs} ms`;
        reject(new ReplyError("load_failed", message));
      });
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  #services(): ActorRef<Supervisor>["ask"] {
    const services = this.context.whereis(servicesName) as ActorRef<Supervisor> | undefined;
    if (services === undefined) throw new ReplyError("unavailable", "no supervisor of services");
    return services.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  }

  #registry(): ActorRef<Registry> {
    const registry = this.context.whereis(registryName);
    if (registry === undefined) throw new ReplyError("unavailable", "there is no registry");
    return registry as ActorRef<Registry>;
  }
}

function toInfo({ configs: _configs, ...info }: ServiceRecord): ServiceInfo {
  return info;
}

function generationOf({ name, module }: ServiceRecord): number {
  return module === name ? 1 : Number(module.slice(name.length + 1));
}
