/** What a configuration says of the cluster that a node belongs to. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import Type, { type TSchema } from "typebox";
import { type ClusterOptions, type ClusterTls, parseClusterOptions } from "#runtime";
import { readSecret, type SecretFile, secretSchema } from "./config-auth.ts";
import { ConfigError } from "./config-error.ts";
import { listOf, text, whole } from "./config-nodes.ts";
import { type ConfigPlace, trustedUrl } from "./config-paths.ts";

/** The limits of a node that stand in a configuration as the runtime takes them. */
type ClusterLimits = Pick<
  ClusterOptions,
  "heartbeatMs" | "suspicionMs" | "redialMaxMs" | "maxBufferedBytes" | "maxMessageBytes"
>;

/** `cluster` of a configuration. */
export interface ClusterFile extends ClusterLimits {
  /** Nodes of another cluster are refused; default `troupe`. */
  readonly name?: string;
  /** What all nodes know, and never send; without one a node listens on loopback only. */
  readonly cookie?: SecretFile;
  /** Certificates of this node, which others ask for: paths, or PEM texts. */
  readonly tls?: ClusterTls;
  /** Roles beside that of `--role`. */
  readonly roles?: readonly string[];
  /** Folders and files of the modules that other nodes may spawn here. */
  readonly spawnModules?: readonly string[];
}

const address = "(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[1-9]\\d{0,4}";

/** The schema of an address, `HOST:PORT`. */
export const addressSchema: TSchema = Type.String({
  pattern: `^${address}$`,
  description: "an address such as 10.0.0.7:9100 or [::1]:9100",
});

/** The schema of the nodes to join. */
export const joinSchema: TSchema = listOf(
  text("a node such as gateway@10.0.0.1:9100, dns:HOST:PORT or dns+srv:NAME"),
);

const pathOrPem = text("a path, or a PEM text");
const mebibyte = 1_048_576;

/** The schema of {@link ClusterFile}. */
export const clusterSchema: TSchema = Type.Object(
  {
    name: Type.Optional(text("the name of a cluster")),
    cookie: Type.Optional(secretSchema),
    tls: Type.Optional(
      Type.Object(
        { key: pathOrPem, cert: pathOrPem, ca: pathOrPem },
        { additionalProperties: false, description: "{ key, cert, ca }" },
      ),
    ),
    roles: Type.Optional(listOf(text("the name of a role"))),
    heartbeatMs: Type.Optional(whole(10, 60_000, "ms")),
    suspicionMs: Type.Optional(whole(50, 600_000, "ms")),
    redialMaxMs: Type.Optional(whole(100, 3_600_000, "ms")),
    maxBufferedBytes: Type.Optional(whole(131_072, 4_096 * mebibyte, "bytes")),
    maxMessageBytes: Type.Optional(whole(131_072, 2_048 * mebibyte, "bytes")),
    spawnModules: Type.Optional(listOf(text("the path of a folder or module"))),
  },
  { additionalProperties: false, description: "{ name?, cookie?, tls?, … }" },
);

/** What of a configuration decides about the cluster. */
export interface ClusterInput {
  /** With or without an address. */
  readonly name: string;
  readonly role: string;
  readonly listen: string | undefined;
  readonly join: readonly string[] | undefined;
  readonly cluster: ClusterFile | undefined;
}

/** What a message calls the setting of a key: its flag, its variable, or file and key. */
export type NameOfKey = (key: "name" | "listen" | "join" | "role" | "cluster") => string;

/**
 * The cluster that a node is in; null: it is alone. A name without an address takes that of
 * `listen`.
 * @throws ConfigError for what belongs to a cluster on a node that has no address, and for what is
 * wrong with an address, cookie or certificate.
 */
export function readCluster(
  input: ClusterInput,
  place: ConfigPlace,
  nameOf: NameOfKey,
): ClusterOptions | null {
  const name = readNodeName(input, nameOf);
  if (name === null) return null;
  const { listen, join = [], role } = input;
  const {
    name: cluster,
    cookie,
    tls,
    roles = [],
    spawnModules = [],
    ...limits
  } = input.cluster ?? {};
  const given = place.environment["TROUPE_COOKIE"] || cookie;
  const options: ClusterOptions = {
    ...limits,
    name,
    ...(listen === undefined ? {} : { listen: splitAddress(listen) }),
    ...(cluster === undefined ? {} : { cluster }),
    cookie: given === undefined ? null : readSecret(given, "cluster.cookie", place),
    roles: [...new Set([role, ...roles])],
    join: join.filter((node) => node !== name),
    ...(tls === undefined ? {} : { tls: readTls(tls, place) }),
    spawnModules: spawnModules.map((named, index) =>
      trustedUrl(named, place.folder, `${place.path}: cluster.spawnModules[${index}]`),
    ),
  };
  return checkOptions(options, place, nameOf);
}

/** The port of the address at which a node is reached; undefined for one that has none. */
export function selectNodePort(name: string, listen: string | undefined): number | undefined {
  const at = name.indexOf("@");
  const address = listen ?? (at < 0 ? undefined : name.slice(at + 1));
  return address === undefined ? undefined : splitAddress(address).port;
}

function readNodeName(input: ClusterInput, nameOf: NameOfKey): string | null {
  const { name, listen, role } = input;
  if (new RegExp(`^[A-Za-z0-9_-]{1,64}@${address}$`).test(name)) return name;
  if (name.includes("@")) {
    const what = "letters, digits, dashes or underscores, and an address";
    throw new ConfigError(
      `${nameOf("name")}: expected ${what}, such as gateway@10.0.0.1:9100, received "${name}"`,
    );
  }
  const expected = (example: string): string =>
    `expected the address at which other nodes reach it, such as ${example}, received "${name}"`;
  if (listen !== undefined) {
    const { host } = splitAddress(listen);
    if (host !== "0.0.0.0" && host !== "::") return `${name}@${listen}`;
    const { port } = splitAddress(listen);
    throw new ConfigError(`${nameOf("name")}: ${expected(`${name}@10.0.0.7:${port}`)}`);
  }
  for (const key of ["join", "cluster"] as const) {
    if (input[key] === undefined) continue;
    throw new ConfigError(
      `${nameOf("name")}: with ${nameOf(key)} ${expected(`${name}@127.0.0.1:9100`)}`,
    );
  }
  if (role !== "service") return null;
  throw new ConfigError(
    `${nameOf("name")}: with ${nameOf("role")} service ${expected("users@127.0.0.1:9101")}`,
  );
}

function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, "$1");
  return { host, port: Number(address.slice(at + 1)) };
}

function readTls(tls: ClusterTls, { path, folder }: ConfigPlace): ClusterTls {
  const read = (key: keyof ClusterTls): string => {
    if (tls[key].startsWith("-----BEGIN")) return tls[key];
    const file = resolve(folder, tls[key]);
    if (existsSync(file)) return file;
    throw new ConfigError(`${path}: cluster.tls.${key}: expected a PEM file, no file at ${file}`);
  };
  return { key: read("key"), cert: read("cert"), ca: read("ca") };
}

const ownKeys = ["name", "listen", "join"] as const;

/** What the runtime refuses, under the name by which the user knows it. */
function checkOptions(
  options: ClusterOptions,
  { path }: ConfigPlace,
  nameOf: NameOfKey,
): ClusterOptions {
  try {
    parseClusterOptions(options);
    return options;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const { message } = error;
    const key = ownKeys.find((one) => new RegExp(`^${one}\\b`).test(message));
    if (key !== undefined) {
      throw new ConfigError(message.replace(/^\w+(\[\d+\]|\.\w+)?/, nameOf(key)));
    }
    const remedy = message.startsWith("cookie") ? " (TROUPE_COOKIE sets one)" : "";
    throw new ConfigError(`${path === null ? "" : `${path}: `}cluster.${message}${remedy}`);
  }
}
