import { fileURLToPath } from "node:url";
import {
  type ActorContext,
  type ActorRef,
  type ChildInfo,
  ReplyError,
  type Signal,
  type TableWriter,
  toErrorRecord,
} from "#runtime";
import {
  type FunConfig,
  isModulePath,
  parseBatch,
  type RefusedConfig,
  type Registry,
  registryKey,
  tellRefusals,
} from "../registry/index.ts";
import {
  type EntryFaults,
  encodeFunctionFile,
  encodeModuleFaults,
  type FunctionFile,
  type FunctionFileInfo,
  type ModuleActor,
  readFunctionFile,
  selectModuleFunctions,
  selectRealModule,
} from "./function-file.ts";
import { exportsFunction, type ModuleFunctionSpec } from "./module-class.ts";
import type { ModuleImporter } from "./module-importer.ts";
import type { ServiceChildren } from "./service-children.ts";
import { resolveServiceModule } from "./service-module.ts";
import type { ServiceRecord } from "./service-record.ts";
import { encodeServiceSpec, moduleCode, type StartOptions } from "./service-start.ts";
import type { TrustedModules } from "./trusted-modules.ts";

/** What the loader shares with its function files. */
export interface FunctionFilesPorts {
  readonly context: ActorContext;
  readonly table: TableWriter<FunctionFile>;
  readonly services: TableWriter<ServiceRecord>;
  readonly children: ServiceChildren;
  readonly importer: ModuleImporter;
  readonly trusted: TrustedModules;
  readonly start: StartOptions;
  readonly registry: () => ActorRef<Registry>;
}

type Modules = ReadonlyMap<string, ReadonlyMap<string, ModuleFunctionSpec>>;

/** A module that was imported and found good, not yet started. */
interface Candidate {
  readonly actor: ModuleActor;
  readonly functions: readonly ModuleFunctionSpec[];
}

/** Functions from JSON files; used by the loader alone, in its turns. */
export class FunctionFiles {
  readonly #ports: FunctionFilesPorts;
  /** The supervisors of the running modules: their pids, and what they are of. */
  readonly #running = new Map<string, { readonly source: string; readonly module: string }>();

  constructor(ports: FunctionFilesPorts) {
    this.#ports = ports;
  }

  /** See `Loader.loadFunctions`. */
  async load(pathOrUrl: string): Promise<FunctionFileInfo> {
    const source = resolveServiceModule(pathOrUrl);
    const configs = await this.#check(source);
    const [modules, refused] = selectModuleFunctions(configs);
    this.#refuse(source, refused);
    const candidates = await this.#import(source, configs, modules);
    const { table, children, context } = this.#ports;
    const before = table.get(source);
    await this.#startAll(source, candidates);
    const actors = new Map(candidates.map(({ actor }) => [actor.source, actor]));
    const file: FunctionFile = {
      ...{ source, modules: [...actors.values()], status: "running", reason: null },
      configs: configs.map((config) => withModule(config, actors.get(config.mfa.module)?.module)),
      loadedAt: context.clock.wallTime(),
    };
    // Written first: a loader that dies between the two registers what its table says.
    table.set(source, file);
    try {
      await this.#register(file);
    } catch (error) {
      if (before === undefined) table.delete(source);
      else table.set(source, before);
      this.#end(file.modules.map(({ module }) => module));
      throw error;
    }
    const kept = new Set(file.configs.map(registryKey));
    await this.#unregister(before?.configs.filter((config) => !kept.has(registryKey(config))));
    for (const { module } of before?.modules ?? []) {
      this.#forget(module);
      children.retire(module);
    }
    const info = encodeFunctionFile(file);
    context.log("info", "functions loaded", { source, functions: info.functions });
    return info;
  }

  /** See `Loader.unloadFunctions`. */
  async unload(pathOrUrl: string): Promise<void> {
    const { table, children, context } = this.#ports;
    const source = table.has(pathOrUrl) ? pathOrUrl : resolveServiceModule(pathOrUrl);
    const file = table.get(source);
    if (file === undefined) {
      const message = `${fileURLToPath(source)}: no functions are loaded from it`;
      throw new ReplyError("no_functions", message);
    }
    await this.#unregister(file.configs);
    table.delete(source);
    for (const { module } of file.modules) this.#forget(module);
    await Promise.all(file.modules.map(({ module }) => children.end(module)));
    context.log("info", "functions unloaded", { source });
  }

  /** All there are. */
  list(): FunctionFileInfo[] {
    return this.#all().map(encodeFunctionFile);
  }

  /** The children of the supervisor `services` that belong to function files. */
  listModules(): string[] {
    return this.#all().flatMap(({ modules }) => modules.map(({ module }) => module));
  }

  /** The file that has functions of that service; undefined when there is none. */
  findOwner(service: string): string | undefined {
    return this.#all().find(({ configs }) => configs.some((config) => config.service === service))
      ?.source;
  }

  /** The instances of a service are new: what files call on it, is called on them. */
  async follow(service: string): Promise<void> {
    for (const file of this.#all()) {
      if (file.configs.some(({ mfa }) => mfa.module === service)) await this.#register(file);
    }
  }

  /** Takes note of a supervisor's end, if it is one of a module. */
  terminated({ ref, reason }: Extract<Signal, { type: "terminated" }>): void {
    const { table, context } = this.#ports;
    const running = this.#running.get(ref.key);
    const file = running === undefined ? undefined : table.get(running.source);
    if (!this.#running.delete(ref.key) || file === undefined) return;
    table.set(file.source, { ...file, status: "down", reason: reason.message });
    context.log("error", "functions are down", { source: file.source, why: reason.message });
  }

  /** Makes it so again what the table says, after a restart; see `Loader`. */
  async reconcile(children: readonly ChildInfo[], all: boolean): Promise<void> {
    for (const file of this.#all()) {
      const alive = new Map<string, ActorRef>();
      for (const { module } of file.modules) {
        const ref = children.find(({ id }) => id === module)?.ref;
        if (ref) alive.set(module, ref);
      }
      if (alive.size === file.modules.length) {
        await this.#register(file);
        for (const [module, ref] of alive) this.#watch(ref, file.source, module);
      } else if (all || file.status === "running") await this.#revive(file);
    }
  }

  async #revive(file: FunctionFile): Promise<void> {
    const { table, context } = this.#ports;
    try {
      await this.load(file.source);
    } catch (error) {
      const reason = toErrorRecord(error).message;
      table.set(file.source, { ...file, status: "down", reason });
      context.log("error", "functions are down", { source: file.source, why: reason });
    }
  }

  /** The entries of a file, valid by themselves and beside all else that is loaded. */
  async #check(source: string): Promise<FunConfig[]> {
    const batch = parseBatch(readFunctionFile(source));
    if (!batch.ok) throw this.#refusal(source, batch.faults, batch.refused);
    const configs = [...batch.configs.values()];
    const found = configs.map((config) => ({ config, faults: this.#encodeFaults(config, source) }));
    this.#refuse(
      source,
      found.filter(({ faults }) => faults.length > 0),
    );
    const trusted = this.#ports.trusted.list();
    return configs.map((config) =>
      isModulePath(config.mfa.module)
        ? withModule(config, selectRealModule(config.mfa.module, trusted))
        : config,
    );
  }

  #encodeFaults(config: FunConfig, source: string): string[] {
    const { services, trusted } = this.#ports;
    const faults = encodeModuleFaults(config, trusted.list());
    const owner = services.get(config.service);
    if (owner !== undefined) {
      const path = fileURLToPath(owner.source);
      faults.push(`service: ${config.service} is loaded from ${path}, and its functions with it`);
    }
    const key = registryKey(config);
    const others = this.#all().filter((file) => file.source !== source);
    const other = others.find(({ configs }) => configs.some((one) => registryKey(one) === key));
    if (other !== undefined) {
      faults.push(`it is loaded from ${fileURLToPath(other.source)} as well`);
    }
    const { module } = config.mfa;
    // What others may run is not theirs alone to know.
    const isElsewhere = config.nodes !== "local" && !services.has(module);
    if (!isModulePath(module) && !isElsewhere) {
      const fault = decideServiceFault(config, services.get(module));
      if (fault !== null) faults.push(fault);
    }
    return faults;
  }

  async #import(
    source: string,
    configs: readonly FunConfig[],
    modules: Modules,
  ): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    const refused: EntryFaults[] = [];
    for (const [module, functions] of modules) {
      const url = this.#ports.importer.nextUrl(module);
      const entries = configs.filter(({ mfa }) => mfa.module === module);
      try {
        const namespace = await this.#ports.importer.import(url);
        for (const config of entries) {
          const { function: name } = config.mfa;
          if (exportsFunction(namespace, name)) continue;
          const fault = `mfa.function: ${fileURLToPath(module)} exports no function ${name}`;
          refused.push({ config, faults: [fault] });
        }
      } catch (error) {
        const fault = `mfa.module: ${toErrorRecord(error).message}`;
        refused.push(...entries.map((config) => ({ config, faults: [fault] })));
      }
      candidates.push({
        actor: { source: module, module: url },
        functions: [...functions.values()],
      });
    }
    this.#refuse(source, refused);
    return candidates;
  }

  /** All of them, or none. */
  async #startAll(source: string, candidates: readonly Candidate[]): Promise<void> {
    const { children, start } = this.#ports;
    const started: string[] = [];
    try {
      for (const { actor, functions } of candidates) {
        const { module } = actor;
        const spec = encodeServiceSpec(module, moduleCode(module, functions), {}, start);
        this.#watch(await children.start(spec, actor.source, 1), source, module);
        started.push(module);
      }
    } catch (error) {
      this.#end(started);
      throw error;
    }
  }

  #end(modules: readonly string[]): void {
    for (const module of modules) {
      this.#forget(module);
      void this.#ports.children.end(module);
    }
  }

  async #register({ configs }: FunctionFile): Promise<void> {
    const { registry, services } = this.#ports;
    const current = configs.map((config) =>
      withModule(config, services.get(config.mfa.module)?.module),
    );
    await registry().ask.batchAdd(current);
  }

  async #unregister(configs: readonly FunConfig[] = []): Promise<void> {
    const { ask } = this.#ports.registry();
    await Promise.all(
      configs.map(({ service, requestType, version }) => ask.delete(service, requestType, version)),
    );
  }

  #watch(supervisor: ActorRef, source: string, module: string): void {
    this.#running.set(supervisor.key, { source, module });
    this.#ports.context.watch(supervisor);
  }

  /** What becomes of its supervisor is of no interest any more. */
  #forget(module: string): void {
    for (const [key, running] of this.#running) {
      if (running.module === module) this.#running.delete(key);
    }
  }

  #all(): FunctionFile[] {
    return Array.from(this.#ports.table.entries(), ([, file]) => file);
  }

  #refuse(source: string, refused: readonly EntryFaults[]): void {
    if (refused.length === 0) return;
    const faults = refused.flatMap((entry) =>
      entry.faults.map((fault) => `${registryKey(entry.config)}: ${fault}`),
    );
    const inputs = refused.map((entry) => ({ input: entry.config, faults: entry.faults }));
    throw this.#refusal(source, faults, inputs);
  }

  #refusal(
    source: string,
    faults: readonly string[],
    refused: readonly RefusedConfig[],
  ): ReplyError {
    tellRefusals(this.#ports.context, { source: "file", node: "local" }, refused);
    const lines = faults.map((fault) => `\n  ${fault}`).join("");
    return new ReplyError(
      "invalid_functions",
      `${fileURLToPath(source)}: the functions are invalid:${lines}`,
    );
  }
}

/** What a service says to a function of it that a file names; `record` is that of the service. */
function decideServiceFault(
  { mfa, requestInfo }: FunConfig,
  record: ServiceRecord | undefined,
): string | null {
  if (record === undefined) return `mfa.module: no service ${mfa.module} is loaded`;
  const own = record.configs.find((config) => config.mfa.function === mfa.function);
  if (own === undefined) {
    return `mfa.function: the service ${mfa.module} has no function ${mfa.function}`;
  }
  // The service hands it to its functions, as it was declared there.
  if (own.requestInfo === requestInfo) return null;
  return `requestInfo: expected ${own.requestInfo}, as the service has it, received ${requestInfo}`;
}

function withModule(config: FunConfig, module: string | undefined): FunConfig {
  if (module === undefined) return config;
  return Object.freeze({ ...config, mfa: Object.freeze({ ...config.mfa, module }) });
}
