import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { toErrorRecord } from "#runtime";
import { ConfigError } from "./config-error.ts";
import { decideConfigFault } from "./config-fault.ts";
import { type Flag, parseEnvironment, type Settings, startFlags } from "./config-flags.ts";
import { type ConfigFile, configFileSchema } from "./config-schema.ts";

/** Where a configuration comes from. */
export interface ConfigSources {
  readonly flags: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The working folder: where relative paths of flags and variables start. */
  readonly folder: string;
}

/** A file that was read; what flags and variables may name too are absolute paths. */
export interface ReadFile {
  /** Null: there is none. */
  readonly path: string | null;
  readonly folder: string;
  readonly values: ConfigFile;
}

/** What all sources together say, and each. */
export interface ReadSources {
  readonly variables: Settings;
  readonly file: ReadFile;
  /** Flag over environment over file. */
  readonly merged: ConfigFile;
}

/** Where a configuration is looked for that nobody named; the second is a container's volume. */
const usualFiles = ["troupe.config.ts", "config/troupe.config.ts"];

/**
 * Reads all sources, of the environment the variables of `knownVariables`.
 * @throws ConfigError that names the flag, variable or file, and the key.
 */
export async function readSources(
  { flags, environment, folder }: ConfigSources,
  known: readonly Flag[],
  knownVariables: readonly Flag[] = known,
): Promise<ReadSources> {
  const variables = parseEnvironment(environment, knownVariables);
  const named = flags.config ?? variables.config;
  const origin = flags.config === null ? "TROUPE_CONFIG" : "--config";
  const file = await readFile(named, origin, folder);
  return { variables, file, merged: { ...file.values, ...variables.values, ...flags.values } };
}

/** What a message calls the setting of a key, by the source that it comes from. */
export function nameKey(
  key: keyof ConfigFile,
  { flags, variables, file }: Pick<ReadSources, "variables" | "file"> & { flags: Settings },
): string {
  const known = startFlags.find((one) => one.key === key);
  if (known !== undefined && flags.values[key] !== undefined) return `--${known.flag}`;
  if (known !== undefined && variables.values[key] !== undefined) return known.variable;
  if (file.values[key] !== undefined) return `${file.path}: ${key}`;
  return known === undefined ? key : `--${known.flag}`;
}

async function readFile(named: string | null, origin: string, folder: string): Promise<ReadFile> {
  const candidates = (named === null ? usualFiles : [named]).map((path) => resolve(folder, path));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    if (named === null) return { path: null, folder, values: {} };
    throw new ConfigError(`${origin}: expected a configuration, no file at ${candidates[0]}`);
  }
  let exported: unknown;
  try {
    exported = (await import(pathToFileURL(path).href)).default;
  } catch (error) {
    throw new ConfigError(`${path}: cannot be loaded: ${firstLine(toErrorRecord(error).message)}`);
  }
  const fault = decideConfigFault(configFileSchema, exported, "");
  if (fault !== null) throw new ConfigError(`${path}: ${fault}`);
  const values = withoutUndefined(exported as ConfigFile);
  const own = dirname(path);
  return { path, folder: own, values: withPaths(values, own) };
}

/** The paths that flags and variables may name as well, absolute. */
function withPaths(values: ConfigFile, folder: string): ConfigFile {
  const { socket, relayStorage } = values;
  return {
    ...values,
    ...(socket === undefined ? {} : { socket: resolve(folder, socket) }),
    ...(relayStorage === undefined ? {} : { relayStorage: resolve(folder, relayStorage) }),
  };
}

/** A key that is there and undefined is one that is left out. */
function withoutUndefined(values: ConfigFile): ConfigFile {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
