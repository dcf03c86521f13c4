import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { toErrorRecord } from "#runtime";
import { type ChannelConfig, channelDefaults } from "../channel/index.ts";
import { ConfigError, type Flag, parseEnvironment, type Settings } from "./config-flags.ts";
import { type ConfigFile, configFileSchema, decideConfigFault } from "./config-schema.ts";

/** A gateway as it is to be: plain data, so that it crosses threads. */
export interface GatewayConfig {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly name: string;
  /** URLs of service modules, in the order in which they start. */
  readonly services: readonly string[];
  readonly channels: readonly ChannelConfig[];
  /** The export of a module, by URL, that admits sockets; null admits all, without a user. */
  readonly connect: { readonly module: string; readonly function: string } | null;
  /** Tells clients the details of unexpected errors; for development. */
  readonly detailError: boolean;
  readonly maxFrameBytes: number;
  readonly idleTimeoutMs: number;
  readonly maxChannels: number;
  /** How long requests in flight may take to end when the gateway stops. */
  readonly drainMs: number;
  /** Path of the operators' socket; null: the default for the port. */
  readonly replSocket: string | null;
  /** Whether a terminal gets a prompt. */
  readonly prompt: boolean;
  /** Null: one per core. */
  readonly threads: number | null;
  readonly demo: boolean;
  /** The file that was read, for people; null when there is none. */
  readonly file: string | null;
}

/** Where a configuration comes from. */
export interface ConfigSources {
  readonly flags: Settings;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The working folder: where relative paths of flags and variables start. */
  readonly folder: string;
}

const defaultPort = 4_000;

/** Where a configuration is looked for that nobody named; the second is a container's volume. */
const usualFiles = ["troupe.config.ts", "config/troupe.config.ts"];

const examples = (name: string): string => new URL(`../examples/${name}.ts`, import.meta.url).href;
const demoServices = ["user-service", "echo-service", "math-service"];

/**
 * Puts a configuration together: flag over environment over file over default.
 * @throws ConfigError in one line that names the flag, variable or file and key, what was expected
 * and what came; also for a module or configuration that is not there.
 */
export async function readConfig(
  sources: ConfigSources,
  known: readonly Flag[],
): Promise<GatewayConfig> {
  const { flags, folder } = sources;
  const { variables, file, merged } = await readSources(sources, known);
  const services = servicesFrom([
    { values: flags.values, name: "--service", folder },
    { values: variables.values, name: "TROUPE_SERVICE", folder },
    { values: file.values, name: `${file.path}: services`, folder: file.folder },
  ]);
  const demo = merged.demo ?? false;
  const connect = connectFrom(file);
  return {
    host: merged.host ?? "127.0.0.1",
    port: merged.port ?? defaultPort,
    name: merged.name ?? "troupe",
    services: [...(demo ? demoServices.map(examples) : []), ...services],
    channels: channelsFrom(file, demo),
    connect: connect ?? (demo ? { module: examples("connect"), function: "connect" } : null),
    detailError: merged.detailError ?? false,
    maxFrameBytes: merged.maxFrameBytes ?? 1_048_576,
    idleTimeoutMs: merged.idleTimeoutMs ?? 60_000,
    maxChannels: merged.maxChannels ?? 100,
    drainMs: merged.drainMs ?? 15_000,
    replSocket: merged.socket === undefined ? null : resolve(folder, merged.socket),
    prompt: !(merged.noRepl ?? false),
    threads: merged.threads ?? null,
    demo,
    file: file.path,
  };
}

/**
 * Where the operators' socket of the gateway is that a command is meant for.
 * @throws ConfigError as {@link readConfig}.
 */
export async function readSocketPath(
  sources: ConfigSources,
  known: readonly Flag[],
): Promise<string> {
  const { environment, folder } = sources;
  const { merged } = await readSources(sources, known);
  if (merged.socket !== undefined) return resolve(folder, merged.socket);
  return selectSocketPath(environment, merged.port ?? defaultPort);
}

/** Where the operators' socket of a gateway on `port` is, unless it was told otherwise. */
export function selectSocketPath(
  environment: Readonly<Record<string, string | undefined>>,
  port: number,
): string {
  const folder = environment["XDG_RUNTIME_DIR"] || tmpdir();
  return join(folder, `troupe-${process.getuid?.() ?? 0}-${port}.sock`);
}

interface ReadSources {
  readonly variables: Settings;
  readonly file: ReadFile;
  readonly merged: ConfigFile;
}

async function readSources(
  { flags, environment, folder }: ConfigSources,
  known: readonly Flag[],
): Promise<ReadSources> {
  const variables = parseEnvironment(environment, known);
  const named = flags.config ?? variables.config;
  const origin = flags.config === null ? "TROUPE_CONFIG" : "--config";
  const file = await readFile(named, origin, folder);
  return { variables, file, merged: { ...file.values, ...variables.values, ...flags.values } };
}

interface ReadFile {
  readonly path: string | null;
  readonly folder: string;
  readonly values: ConfigFile;
}

async function readFile(named: string | null, origin: string, folder: string): Promise<ReadFile> {
  const candidates = (named === null ? usualFiles : [named]).map((path) => resolve(folder, path));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) {
    if (named === null) return { path: null, folder, values: {} };
    throw new ConfigError(`${origin}: expected a configuration, no file at ${candidates[0]}`);
  }
  let values: unknown;
  try {
    values = (await import(pathToFileURL(path).href)).default;
  } catch (error) {
    throw new ConfigError(`${path}: cannot be loaded: ${firstLine(toErrorRecord(error).message)}`);
  }
  const fault = decideConfigFault(configFileSchema, values, "");
  if (fault !== null) throw new ConfigError(`${path}: ${fault}`);
  const settings = values as ConfigFile;
  const own = dirname(path);
  const { socket } = settings;
  return {
    ...{ path, folder: own },
    values: socket === undefined ? settings : { ...settings, socket: resolve(own, socket) },
  };
}

interface ServiceSource {
  readonly values: ConfigFile;
  /** What a message calls it. */
  readonly name: string;
  readonly folder: string;
}

/** The services of the first source that has any, as URLs. */
function servicesFrom(sources: readonly ServiceSource[]): string[] {
  const source = sources.find(({ values }) => values.services !== undefined);
  return (source?.values.services ?? []).map((service) =>
    moduleUrl(service, source?.folder ?? "", source?.name ?? "", "a service module"),
  );
}

function channelsFrom({ path, values }: ReadFile, demo: boolean): ChannelConfig[] {
  const declared = values.channels ?? [{ topic: "api:*", ...(demo ? { event: "api" } : {}) }];
  const topics = declared.map(({ topic }) => topic);
  const twice = topics.find((topic, index) => topics.indexOf(topic) !== index);
  if (twice !== undefined) {
    throw new ConfigError(`${path}: channels: expected each topic once, received "${twice}" twice`);
  }
  return declared.map((channel) => ({ ...channelDefaults, ...channel }));
}

function connectFrom({ path, folder, values }: ReadFile): GatewayConfig["connect"] {
  const { connect } = values;
  if (connect === undefined) return null;
  const where = `${path}: connect.module`;
  const module = moduleUrl(connect.module, folder, where, "a module");
  return { module, function: connect.function ?? "connect" };
}

function moduleUrl(named: string, folder: string, where: string, expected: string): string {
  const isUrl = named.startsWith("file:");
  const url = isUrl ? named : pathToFileURL(resolve(folder, named)).href;
  if (!existsSync(fileURLToPath(url))) {
    throw new ConfigError(`${where}: expected ${expected}, no file at ${fileURLToPath(url)}`);
  }
  return url;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
