import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { ClusterOptions } from "#runtime";
import { type BreakerSettings, breakerDefaults } from "../breaker/index.ts";
import {
  type AcceptorConfig,
  acceptorDefaults,
  type ChannelConfig,
  channelDefaults,
  isOriginPattern,
  selectGroupId,
} from "../channel/index.ts";
import type { PullOptions } from "../exchange/index.ts";
import type { LimitConfig } from "../limits/index.ts";
import type { PoolSettings } from "../pool/index.ts";
import type { RelaySettings } from "../relay/index.ts";
import type { AdminAction } from "./admin-gate.ts";
import { readAuth, readSecret } from "./config-auth.ts";
import { readCluster, selectNodePort } from "./config-cluster.ts";
import { ConfigError } from "./config-error.ts";
import { clientVariables, type Flag } from "./config-flags.ts";
import { type ConfigPlace, filePath, folderOf, moduleUrl, trustedUrl } from "./config-paths.ts";
import { readBreaker, readPools, readRateLimits } from "./config-pipeline.ts";
import { checkGroupChannels, readRelay } from "./config-relay.ts";
import type { ConfigFile, Role } from "./config-schema.ts";
import { type ConfigSources, nameKey, type ReadFile, readSources } from "./config-sources.ts";
import { demoChannels, demoConnect, demoFunctions, demoRateLimits, demoServices } from "./demo.ts";

export type { ConfigSources } from "./config-sources.ts";

/** A gateway as it is to be: plain data, so that it crosses threads. A port 0 is a free one. */
export interface GatewayConfig extends AcceptorConfig {
  readonly name: string;
  readonly role: Role;
  /** Null: the node is alone. */
  readonly cluster: ClusterOptions | null;
  /** How a gateway asks service nodes for their functions. */
  readonly pull: PullOptions;
  /** Where a service node answers /health and /ready; null: nowhere. */
  readonly healthPort: number | null;
  /** URLs of service modules, in the order in which they start. */
  readonly services: readonly string[];
  /** Paths of JSON files of FunConfigs, in the order in which they are added. */
  readonly functions: readonly string[];
  /** Tells clients the details of unexpected errors; for development. */
  readonly detailError: boolean;
  readonly rateLimits: LimitConfig;
  readonly breaker: BreakerSettings;
  readonly pools: PoolSettings;
  /** Null: there are no relay groups. */
  readonly relay: RelaySettings | null;
  /** `file:` URLs of folders, with a slash at the end, and files: what functions may name of them. */
  readonly allowModules: readonly string[];
  /** What administrators may do over a channel. */
  readonly adminActions: readonly AdminAction[];
  /** What whoever pushes functions has to know; null: nothing. */
  readonly pushToken: string | null;
  /** URLs of modules that listen to telemetry, to be imported on each scheduler thread. */
  readonly telemetry: readonly string[];
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

const defaultPort = 4_000;

/** A gateway that is told nothing. */
export const defaultGatewayConfig: GatewayConfig = Object.freeze({
  ...acceptorDefaults,
  host: "127.0.0.1",
  port: defaultPort,
  name: "troupe",
  role: "gateway",
  cluster: null,
  pull: {},
  healthPort: null,
  channels: [{ ...channelDefaults, topic: "api:*" }],
  services: [],
  functions: [],
  detailError: false,
  rateLimits: { enabled: true, failOpen: true, rules: [], redis: null },
  breaker: breakerDefaults,
  pools: readPools(undefined, null),
  relay: null,
  allowModules: [],
  adminActions: [],
  pushToken: null,
  telemetry: [],
  replSocket: null,
  prompt: true,
  threads: null,
  demo: false,
  file: null,
});

/**
 * Puts a configuration together: flag over environment over file over default.
 * @throws ConfigError in one line that names the flag, variable or file and key, what was expected
 * and what came; also for a module or configuration that is not there.
 */
export async function readConfig(
  sources: ConfigSources,
  known: readonly Flag[],
): Promise<GatewayConfig> {
  const { flags, folder, environment } = sources;
  const { variables, file, merged } = await readSources(sources, known);
  const place: ConfigPlace = { path: file.path, folder: file.folder, environment };
  const set = { ...defaultGatewayConfig, ...selectPlain(merged) };
  const { path, values } = file;
  const { demo } = set;
  const configured = servicesFrom([
    { values: flags.values, name: "--service", folder },
    { values: variables.values, name: "TROUPE_SERVICE", folder },
    { values, name: `${path}: services`, folder: file.folder },
  ]);
  const services = [...(demo ? demoServices : []), ...configured];
  const { role = "gateway", name = defaultGatewayConfig.name, listen, join } = merged;
  const input = { name, role, listen, join, cluster: values.cluster };
  const cluster = readCluster(input, place, (key) => nameKey(key, { flags, variables, file }));
  const { pushToken, rateLimits = demo ? demoRateLimits : undefined } = values;
  const channels = channelsFrom(file, demo);
  const { relayStorage } = merged;
  const storage = relayStorage === undefined ? null : resolve(folder, relayStorage);
  const relay = readRelay(values.relay ?? (demo ? true : undefined), place, storage);
  checkGroupChannels(channels, relay, path);
  const functions = listFrom(file, "functions", (named, where) =>
    filePath(named, file.folder, where, "a JSON file of functions"),
  );
  return {
    ...set,
    name: cluster?.name ?? name,
    ...{ role, cluster, services },
    pull: values.pull ?? {},
    healthPort: role === "service" ? (merged.port ?? null) : null,
    channels,
    connect: connectFrom(file, demo),
    functions: [...(demo ? demoFunctions : []), ...functions],
    telemetry: listFrom(file, "telemetry", (named, where) =>
      moduleUrl(named, file.folder, where, "a module"),
    ),
    allowModules: allowedFrom(file, services),
    allowedOrigins: originsFrom(file),
    limitLoopback: values.maxConnectionsPerIp !== undefined,
    auth: readAuth(values.auth ?? {}, place),
    rateLimits: readRateLimits(rateLimits, path),
    breaker: readBreaker(values.breaker, path),
    pools: readPools(values.pools, path),
    relay,
    pushToken: pushToken === undefined ? null : readSecret(pushToken, "pushToken", place),
    replSocket: merged.socket === undefined ? null : resolve(folder, merged.socket),
    prompt: !(merged.noRepl ?? false),
    file: path,
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
  const { merged } = await readSources(sources, known, clientVariables);
  if (merged.socket !== undefined) return resolve(folder, merged.socket);
  const { port, role, name = "", listen } = merged;
  const nodePort = role === "service" ? selectNodePort(name, listen) : undefined;
  return selectSocketPath(environment, port ?? nodePort ?? defaultPort);
}

/**
 * Where the operators' socket of a gateway on `port` is, unless it was told otherwise; a service
 * node without a port goes by that of its address.
 */
export function selectSocketPath(
  environment: Readonly<Record<string, string | undefined>>,
  port: number,
): string {
  const folder = environment["XDG_RUNTIME_DIR"] || tmpdir();
  return join(folder, `troupe-${process.getuid?.() ?? 0}-${port}.sock`);
}

const plainKeys = [
  ...(["host", "port", "threads", "demo", "detailError", "drainMs"] as const),
  ...(["maxFrameBytes", "maxFramesPerSecond", "idleTimeoutMs", "maxChannels"] as const),
  ...(["maxConnections", "maxConnectionsPerIp", "adminActions"] as const),
];

/** What is taken as it stands. */
function selectPlain(merged: ConfigFile): Pick<ConfigFile, (typeof plainKeys)[number]> {
  const keys: readonly string[] = plainKeys;
  return Object.fromEntries(Object.entries(merged).filter(([key]) => keys.includes(key)));
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
  const ofDemo = demoChannels.filter(({ group }) => !group || values.relay !== false);
  const declared = values.channels ?? (demo ? ofDemo : [{ topic: "api:*" }]);
  const topics = declared.map(({ topic }) => topic);
  const twice = topics.find((topic, index) => topics.indexOf(topic) !== index);
  if (twice !== undefined) {
    throw new ConfigError(`${path}: channels: expected each topic once, received "${twice}" twice`);
  }
  return declared.map(({ group, ...channel }, index) => {
    if (group === undefined) return { ...channelDefaults, ...channel };
    const { topic } = channel;
    if (!topic.endsWith("*") && selectGroupId(topic) === "") {
      const expected = 'a topic that names a group behind a colon, such as "chat:*"';
      const where = `${path}: channels[${index}].topic`;
      throw new ConfigError(`${where}: expected ${expected}, received "${topic}"`);
    }
    const options = { create: null, durable: false, ...(group === true ? {} : group) };
    return { ...channelDefaults, ...channel, group: options };
  });
}

/** The demo believes the query, unless something is configured that does not. */
function connectFrom({ path, folder, values }: ReadFile, demo: boolean): GatewayConfig["connect"] {
  const { connect, auth } = values;
  if (connect !== undefined) {
    const module = moduleUrl(connect.module, folder, `${path}: connect.module`, "a module");
    return { module, function: connect.function ?? "connect" };
  }
  const believes = demo && auth?.jwt === undefined;
  return believes ? demoConnect : null;
}

/** A list of names of the file, each resolved; `where` names it in a message. */
function listFrom(
  { path, values }: ReadFile,
  key: "functions" | "telemetry" | "allowModules",
  resolveName: (named: string, where: string) => string,
): string[] {
  const names = values[key] ?? [];
  return names.map((named, index) => resolveName(named, `${path}: ${key}[${index}]`));
}

/** What is allowed; by default the folders of the services and that of the file. */
function allowedFrom(file: ReadFile, services: readonly string[]): string[] {
  if (file.values.allowModules !== undefined) {
    return listFrom(file, "allowModules", (named, where) => trustedUrl(named, file.folder, where));
  }
  const own = file.path === null ? [] : [trustedUrl(file.folder, file.folder, `${file.path}`)];
  return [...new Set([...services.map(folderOf), ...own])];
}

function originsFrom({ path, values }: ReadFile): GatewayConfig["allowedOrigins"] {
  const { allowedOrigins = null } = values;
  if (allowedOrigins === null || allowedOrigins === "*") return allowedOrigins;
  const wrong = allowedOrigins.findIndex((origin) => !isOriginPattern(origin));
  if (wrong < 0) return allowedOrigins;
  const expected = 'an origin such as "https://app.example.com" or "https://*.example.com"';
  const received = JSON.stringify(allowedOrigins[wrong]);
  const where = `${path}: allowedOrigins[${wrong}]`;
  throw new ConfigError(`${where}: expected ${expected}, received ${received}`);
}
