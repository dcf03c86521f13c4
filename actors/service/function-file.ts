import { readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isMessageName, ReplyError, toErrorRecord } from "#runtime";
import { decideFunctionAccess, resolveModuleAccess } from "../hooks/index.ts";
import { type FunConfig, isMap, isModulePath, registryKey } from "../registry/index.ts";
import type { ModuleFunctionSpec } from "./module-class.ts";
import { listTargets, resolveModulePath, resolveTargets } from "./target-modules.ts";

/** The table of the loaded function files, by their `file:` URL. */
export const functionFilesTable = "function_files";

/** A plain module that runs because a function file names it. */
export interface ModuleActor {
  /** `file:` URL of the module. */
  readonly source: string;
  /** The URL under which this state of it is imported: also its group, and its supervisor. */
  readonly module: string;
}

/** One loaded function file. */
export interface FunctionFile {
  /** `file:` URL of the file. */
  readonly source: string;
  /** Its entries; where one is a function of a service, `mfa.module` is that service's name. */
  readonly configs: readonly FunConfig[];
  readonly modules: readonly ModuleActor[];
  /** Milliseconds since 1970. */
  readonly loadedAt: number;
  /** `down`: a supervisor of its modules gave up; functions answer `unavailable`. */
  readonly status: "running" | "down";
  /** Why it is down. */
  readonly reason: string | null;
}

/** What the loader tells of a function file. */
export interface FunctionFileInfo extends Omit<FunctionFile, "configs"> {
  /** `service/request_type`, or `service/request_type@version`. */
  readonly functions: readonly string[];
}

/** An entry with everything that is wrong with it. */
export interface EntryFaults {
  readonly config: FunConfig;
  readonly faults: readonly string[];
}

/** Most bytes of a function file. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/**
 * The entries of a function file, not yet validated, with their modules as `file:` URLs: paths are
 * taken from the folder of the file. The file is UTF-8; a byte order mark does no harm.
 * @throws ReplyError `load_failed` with the path.
 */
export function readFunctionFile(source: string): unknown[] {
  const path = fileURLToPath(source);
  const { size = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {};
  if (size > MAX_FILE_BYTES) {
    const message = `${path}: expected at most ${MAX_FILE_BYTES} bytes, received ${size}`;
    throw new ReplyError("load_failed", message);
  }
  let entries: unknown;
  try {
    entries = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path)));
  } catch (error) {
    throw new ReplyError("load_failed", `${path}: ${toErrorRecord(error).message}`, error);
  }
  if (!Array.isArray(entries)) {
    throw new ReplyError("load_failed", `${path}: expected a list of functions`);
  }
  return entries.map((entry) => (isMap(entry) ? resolveEntry(entry, source) : entry));
}

function resolveEntry(entry: Record<string, unknown>, base: string): Record<string, unknown> {
  const resolved = resolveTargets(entry, { base, own: null });
  const { mfa } = entry;
  if (!isMap(mfa) || typeof mfa["module"] !== "string") return resolved;
  return { ...resolved, mfa: { ...mfa, module: resolveModulePath(mfa["module"], base) } };
}

/**
 * What is wrong with the modules that a config names: those that are not trusted or not there, and
 * names that no configuration may call. Looks at the file system.
 */
export function encodeModuleFaults(config: FunConfig, trusted: readonly string[]): string[] {
  const { mfa, executor } = config;
  const faults: string[] = [];
  const targets = listTargets(config) as [string, { module: string; function: string }][];
  if (isModulePath(mfa.module)) {
    targets.push(["mfa", mfa]);
    if (!isMessageName(mfa.function)) {
      faults.push(`mfa.function: the name ${mfa.function} belongs to the life of an actor`);
    }
    if (executor === "pool") {
      faults.push('executor: expected "actor" for a function of a module that is no service');
    }
  }
  for (const [field, { module, function: name }] of targets) {
    const access = resolveModuleAccess(module, trusted);
    if (!access.ok) faults.push(`${field}.module: ${access.reason}`);
    const denied = decideFunctionAccess(name);
    if (denied !== null) faults.push(`${field}.function: ${denied}`);
  }
  return faults;
}

/** The `file:` URL of the file that a module's URL really means, without a query. */
export function selectRealModule(module: string, trusted: readonly string[]): string {
  const access = resolveModuleAccess(module, trusted);
  return (access.ok ? access.url : module).replace(/\?.*$/s, "");
}

/**
 * The functions of each module that the configs name, by its URL; a module's function is one message
 * however many entries name it, so these have to agree on how it is called.
 */
export function selectModuleFunctions(
  configs: readonly FunConfig[],
): [Map<string, Map<string, ModuleFunctionSpec>>, EntryFaults[]] {
  const modules = new Map<string, Map<string, ModuleFunctionSpec>>();
  const refused: EntryFaults[] = [];
  for (const config of configs) {
    const { mfa, requestInfo, responseType } = config;
    if (!isModulePath(mfa.module)) continue;
    const functions = modules.get(mfa.module) ?? new Map<string, ModuleFunctionSpec>();
    modules.set(mfa.module, functions);
    const spec = { name: mfa.function, requestInfo, isStream: responseType === "stream" };
    const other = functions.get(mfa.function) ?? spec;
    functions.set(mfa.function, other);
    if (other.requestInfo === spec.requestInfo && other.isStream === spec.isStream) continue;
    const fault = `mfa.function: another entry calls ${mfa.function} with another requestInfo or as a stream`;
    refused.push({ config, faults: [fault] });
  }
  return [modules, refused];
}

/** What operators see of a function file. */
export function encodeFunctionFile({ configs, ...info }: FunctionFile): FunctionFileInfo {
  return { ...info, functions: configs.map(registryKey) };
}
