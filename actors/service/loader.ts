import { fileURLToPath } from "node:url";
import {
  Actor,
  type ActorRef,
  ReplyError,
  type Signal,
  type TableWriter,
  toErrorRecord,
} from "#runtime";
import { trustedModulesTable } from "../hooks/index.ts";
import { type FunConfig, type Registry, registryName, tellRefusals } from "../registry/index.ts";
import type { ServiceDefinition } from "./define-service.ts";
import { parseServiceConfigs } from "./fun-configs.ts";
import { encodeModuleFaults, type FunctionFileInfo, functionFilesTable } from "./function-file.ts";
import { FunctionFiles } from "./function-files.ts";
import { exportsFunction } from "./module-class.ts";
import { ModuleImporter } from "./module-importer.ts";
import { ServiceChildren, servicesName } from "./service-children.ts";
import { hasPublicMethod, parseServiceExport } from "./service-class.ts";
import { resolveServiceModule } from "./service-module.ts";
import {
  encodeFunctionName,
  type ServiceInfo,
  type ServiceRecord,
  servicesTable,
} from "./service-record.ts";
import { encodeServiceSpec, listInstances, serviceCode } from "./service-start.ts";
import { folderOf, TrustedModules } from "./trusted-modules.ts";

/** The registered name of the {@link Loader}. */
export const loaderName = "loader";

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
  /**
   * `file:` URLs of files and folders whose modules configurations may name, beside the folders of
   * the loaded services; default none.
   */
  readonly allowModules?: readonly string[];
}

/** A service that was read from its module and found good, not yet started. */
interface Candidate {
  readonly definition: ServiceDefinition;
  readonly configs: readonly FunConfig[];
  readonly source: string;
  readonly url: string;
  readonly module: string;
}

const DEFAULTS = { drainMs: 15_000, handoverMs: 250, importTimeoutMs: 30_000, allowModules: [] };

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
  readonly #children: ServiceChildren;
  readonly #importer: ModuleImporter;
  readonly #trusted: TrustedModules;
  readonly #files: FunctionFiles;

  constructor(options: LoaderOptions) {
    super();
    const { context } = this;
    this.#options = { ...DEFAULTS, ...options };
    const { handoverMs, importTimeoutMs, allowModules } = this.#options;
    this.#children = new ServiceChildren(context, handoverMs);
    this.#importer = new ModuleImporter(context.clock, importTimeoutMs);
    this.#trusted = new TrustedModules(context.writeTable(trustedModulesTable), allowModules);
    this.#files = new FunctionFiles({
      ...{ context, children: this.#children, importer: this.#importer, trusted: this.#trusted },
      ...{ table: context.writeTable(functionFilesTable), services: this.#table },
      ...{ start: this.#options, registry: () => this.#registry() },
    });
  }

  protected override init(): void {
    this.#trust();
    const isNew = this.#table.size === 0 && this.#files.list().length === 0;
    if (!isNew) this.context.after(0, () => this.#reconcile(false));
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated" && this.#supervisor?.equals(signal.ref)) {
      this.#supervisor = null;
      this.context.after(RECONCILE_MS, () => this.#reconcile(true));
      return;
    }
    if (signal.type !== "terminated") return;
    this.#files.terminated(signal);
    const name = this.#running.get(signal.ref.key);
    const record = name === undefined ? undefined : this.#table.get(name);
    if (record === undefined) return;
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
    await this.#registry().ask.clear(service);
    this.#table.delete(service);
    this.#trust();
    this.#forget(service);
    this.context.log("info", "service stopped", { service });
    if (record.status === "running") await this.#children.end(record.module);
  }

  /** Loads the module of a service again, changed or not. @throws as `load`, and `no_service`. */
  restart(service: string): Promise<ServiceInfo> {
    return this.load(this.#find(service).source);
  }

  /** The loaded services. */
  list(): ServiceInfo[] {
    return [...this.#table.entries()].map(([, record]) => toInfo(record));
  }

  /**
   * Registers the functions of a JSON file: a list of FunConfigs, all or none. A path is taken from
   * the working directory. `mfa.module` is the name of a loaded service, or a module, by a path from
   * the file's folder or a `file:` URL, that `allowModules` or the folder of a service covers: its
   * exported functions are called with the arguments alone, on an instance that is supervised as a
   * service's. Loading a file again replaces all that it brought before.
   * @throws ReplyError with the path: `no_such_file`, `load_failed`, `invalid_functions` (a line per
   * fault, with its entry; they are recorded among the failed configs), `start_failed`.
   */
  async loadFunctions(pathOrUrl: string): Promise<FunctionFileInfo> {
    const info = await this.#files.load(pathOrUrl);
    this.#followAll();
    return info;
  }

  /**
   * Removes what a file brought. Resolves when the calls in progress have ended.
   * @throws ReplyError `no_functions`.
   */
  unloadFunctions(pathOrUrl: string): Promise<void> {
    return this.#files.unload(pathOrUrl);
  }

  /** The loaded function files. */
  listFunctions(): FunctionFileInfo[] {
    return this.#files.list();
  }

  async #check(source: string): Promise<Candidate> {
    const path = fileURLToPath(source);
    const url = this.#importer.nextUrl(source);
    const namespace = await this.#importer.import(url);
    const read = parseServiceExport(Reflect.get(namespace, "default"));
    if (!read.ok) throw new ReplyError("invalid_service", `${path}: ${read.reason}`);
    const { definition, actorClass } = read;
    const { name } = definition;
    const present = this.#table.get(name);
    if (present !== undefined && present.source !== source) {
      const other = fileURLToPath(present.source);
      const message = `${path}: the service ${name} is loaded from ${other}; stop it first`;
      throw new ReplyError("duplicate_service", message);
    }
    const file = this.#files.findOwner(name);
    if (file !== undefined) {
      const message = `${path}: functions of ${name} are loaded from ${fileURLToPath(file)}`;
      throw new ReplyError("duplicate_service", message);
    }
    const module = this.#nextModule(name, present);
    const hasMethod =
      actorClass === null ? null : (method: string) => hasPublicMethod(actorClass, method);
    const hasExport = (method: string): boolean => exportsFunction(namespace, method);
    const batch = parseServiceConfigs(definition, { module, url, hasMethod, hasExport });
    if (!batch.ok) {
      tellRefusals(this.context, { source: "module", node: "local" }, batch.refused);
      throw invalidService(path, name, batch.faults);
    }
    const configs = [...batch.configs.values()];
    this.#checkModules(path, name, configs, source);
    return { definition, configs, source, url, module };
  }

  #checkModules(path: string, name: string, configs: readonly FunConfig[], source: string): void {
    const trusted = [...this.#trusted.list(), folderOf(source)];
    const refused = configs
      .map((config) => ({ input: config, faults: encodeModuleFaults(config, trusted) }))
      .filter(({ faults }) => faults.length > 0);
    if (refused.length === 0) return;
    tellRefusals(this.context, { source: "module", node: "local" }, refused);
    const faults = refused.flatMap(({ input, faults }) =>
      faults.map((fault) => `${name}/${encodeFunctionName(input)}: ${fault}`),
    );
    throw invalidService(path, name, faults);
  }

  async #start(candidate: Candidate): Promise<ServiceRecord> {
    const { definition, configs, source, url, module } = candidate;
    const { name, options } = definition;
    const spec = encodeServiceSpec(module, serviceCode(module, url), options, this.#options);
    const instances = listInstances(module, options, this.#options.schedulers);
    const supervisor = await this.#children.start(spec, source, instances.length);
    const before = this.#table.get(name);
    const record: ServiceRecord = {
      ...{ name, source, url, module, configs, status: "running", reason: null },
      instances,
      functions: configs.map(encodeFunctionName),
      loadedAt: this.context.clock.wallTime(),
    };
    // Written first: a loader that dies between the two registers what its table says.
    this.#table.set(name, record);
    this.#trust();
    try {
      await this.#registry().ask.replace(name, configs);
      await this.#files.follow(name);
    } catch (error) {
      this.#undo(record, before);
      throw error;
    }
    this.#forget(name);
    this.#follow(supervisor, name);
    if (before?.status === "running") this.#children.retire(before.module);
    return record;
  }

  #undo({ name, module }: ServiceRecord, before: ServiceRecord | undefined): void {
    if (before === undefined) this.#table.delete(name);
    else this.#table.set(name, before);
    this.#trust();
    // The registry may have done what it did not live to confirm.
    const registry = this.context.whereis(registryName) as ActorRef<Registry> | undefined;
    if (before === undefined) registry?.tell.clear(name);
    else registry?.tell.replace(name, before.configs);
    void this.#children.end(module);
  }

  /** A module may name others of its folder for as long as its service is loaded. */
  #trust(): void {
    this.#trusted.follow(Array.from(this.#table.entries(), ([, { source }]) => source));
  }

  /**
   * After a restart, of this actor or of the services' supervisor: what the table says is made so
   * again, and what it does not know is ended. A service that is down for its own faults stays so,
   * unless `all` went down together.
   */
  async #reconcile(all: boolean): Promise<void> {
    try {
      const children = await this.#children.list();
      const records = [...this.#table.entries()].map(([, record]) => record);
      for (const record of records) {
        const child = children.find(({ id }) => id === record.module);
        if (child?.ref) {
          await this.#registry().ask.replace(record.name, record.configs);
          this.#follow(child.ref, record.name);
        } else if (all || record.status === "running") await this.#revive(record);
      }
      await this.#files.reconcile(children, all);
      this.#followAll();
      const known = new Set([...records.map(({ module }) => module), ...this.#files.listModules()]);
      for (const { id } of children) if (!known.has(id)) void this.#children.end(id);
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
    this.#followAll();
  }

  /** What takes all services and modules with it is to be heard of. */
  #followAll(): void {
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

  #nextModule(name: string, present: ServiceRecord | undefined): string {
    const last = this.#generations.get(name) ?? (present === undefined ? 0 : generationOf(present));
    this.#generations.set(name, last + 1);
    return last === 0 ? name : `${name}@${last + 1}`;
  }

  #registry(): ActorRef<Registry> {
    const registry = this.context.whereis(registryName);
    if (registry === undefined) throw new ReplyError("unavailable", "there is no registry");
    return registry as ActorRef<Registry>;
  }
}

function invalidService(path: string, name: string, faults: readonly string[]): ReplyError {
  const lines = faults.map((fault) => `\n  ${fault}`).join("");
  return new ReplyError("invalid_service", `${path}: the service ${name} is invalid:${lines}`);
}

function toInfo({ configs: _configs, ...info }: ServiceRecord): ServiceInfo {
  return info;
}

function generationOf({ name, module }: ServiceRecord): number {
  return module === name ? 1 : Number(module.slice(name.length + 1));
}
