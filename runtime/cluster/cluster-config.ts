/** How a node is part of a cluster: what is written, what is checked, what is left out. */

import { inspect } from "node:util";
import { isRole, maxRoles } from "./handshake-messages.ts";
import { parseJoinTarget } from "./join-target.ts";
import { formatHostPort, type HostPort, isLoopback, parseNodeName } from "./node-name.ts";

/** The certificates of a node: PEM text or the path of a PEM file, each. */
export interface ClusterTls {
  readonly key: string;
  readonly cert: string;
  /** Of whoever signed the certificates of the other nodes. */
  readonly ca: string;
}

/** How a node is part of a cluster, as its user writes it. */
export interface ClusterOptions {
  /** `users@10.0.0.7:9101`: an alias, and where the other nodes reach this one. */
  readonly name: string;
  /** Where to listen if that is not the address of the name: behind a proxy, or on all interfaces. */
  readonly listen?: { readonly host?: string; readonly port?: number };
  /** Nodes of clusters with other names are refused. Default `troupe`. */
  readonly cluster?: string;
  /**
   * The secret that all nodes of the cluster know; it is never sent. Default none, which is for
   * nodes that listen on loopback only.
   */
  readonly cookie?: string | null;
  /** What this node is there for, `indexer` or, in a scope, `search/indexer`; default none. */
  readonly roles?: readonly string[];
  /**
   * Nodes to connect to; one that is up is enough, it tells the others. `users@10.0.0.7:9101`;
   * `dns:[ALIAS@]HOST:PORT` for every address that DNS has for a host; `dns+srv:[ALIAS@]NAME` for
   * the hosts and ports of an SRV record. Without an alias that of this node is taken.
   */
  readonly join?: readonly string[];
  /** Encrypts, and asks every node for a certificate. Default none. */
  readonly tls?: ClusterTls | null;
  /** How often each side of a connection says that it lives. Default 500. */
  readonly heartbeatMs?: number;
  /** A node that was silent for so long is down; mostly it is found out before. Default 5,000. */
  readonly suspicionMs?: number;
  /** The longest wait between two attempts to reach a node that is down. Default 2,500. */
  readonly redialMaxMs?: number;
  /** What may wait on a connection, bytes; messages beyond it are refused. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** The largest message, bytes. Default 256 MiB. */
  readonly maxMessageBytes?: number;
  /**
   * URLs of the modules whose actors other nodes may spawn here; one that ends in `/` stands for
   * all modules below it. Default none.
   */
  readonly spawnModules?: readonly string[];
}

/** Cluster options that were checked, every key filled in. Plain data: it crosses threads. */
export interface ClusterConfig extends Required<Omit<ClusterOptions, "listen">> {
  readonly listen: HostPort;
}

/** The longest delay that a Node.js timer takes. */
const maxMs = 2_147_483_647;
const mebibyte = 1_048_576;
/** A chunk and its header must fit into what is buffered and into a message. */
const minBytes = 131_072;

const defaults: Omit<ClusterConfig, "name" | "listen"> = {
  cluster: "troupe",
  cookie: null,
  roles: [],
  join: [],
  tls: null,
  heartbeatMs: 500,
  suspicionMs: 5_000,
  redialMaxMs: 2_500,
  maxBufferedBytes: 16 * mebibyte,
  maxMessageBytes: 256 * mebibyte,
  spawnModules: [],
};

const wordPattern = /^[\w.:-]{1,64}$/;
const word = "1 to 64 letters, digits, dots, colons, dashes or underscores";

/**
 * Checks the options and fills in the defaults.
 * @throws TypeError for a value of the wrong type or an unknown key, RangeError for one that is out
 *   of range, and for a node without a cookie that others than this machine could reach; all begin
 *   with the key and say what was expected and received (of secrets, only that they are wrong).
 */
export function parseClusterOptions(options: ClusterOptions): ClusterConfig {
  checkKeys("cluster options", options, ["name", "listen", ...Object.keys(defaults)]);
  const set = Object.entries(options).filter(([, value]) => value !== undefined);
  const given: Omit<ClusterConfig, "listen"> = { ...defaults, ...Object.fromEntries(set) } as never;
  checkText("name", given.name);
  const { name, alias, host, port } = parseNodeName(given.name);
  expect(port !== 0, "name", "a node name with a port from 1 to 65535", given.name);
  const listen = parseListen(options.listen, { host, port });
  checkText("cluster", given.cluster);
  expect(wordPattern.test(given.cluster), "cluster", word, given.cluster);
  checkCookie(given.cookie, listen);
  checkList("roles", given.roles, (role, field) => void parseRole(role, field));
  expect(given.roles.length <= maxRoles, "roles", `at most ${maxRoles}`, given.roles.length);
  checkList("join", given.join, (target, field) => void parseJoinTarget(target, alias, field));
  checkTls(given.tls);
  checkWhole("heartbeatMs", given.heartbeatMs, 10, maxMs);
  checkWhole("suspicionMs", given.suspicionMs, 2 * given.heartbeatMs, maxMs);
  checkWhole("redialMaxMs", given.redialMaxMs, 100, maxMs);
  checkWhole("maxBufferedBytes", given.maxBufferedBytes, minBytes, Number.MAX_SAFE_INTEGER);
  checkWhole("maxMessageBytes", given.maxMessageBytes, minBytes, 2 ** 32 - 1);
  checkList("spawnModules", given.spawnModules, (url, field) => {
    expect(URL.canParse(url), field, "the URL of a module or folder", url);
  });
  return { ...given, name, listen, roles: [...new Set(given.roles)].sort() };
}

/**
 * A role is a word, in a scope if it is to be: `indexer`, `search/indexer`.
 * @throws RangeError that begins with `field`, says what a role is and what was received.
 */
export function parseRole(role: string, field = "role"): string {
  expect(isRole(role), field, `${word}, or SCOPE/ROLE of two such`, role);
  return role;
}

function parseListen(listen: ClusterOptions["listen"], fallback: HostPort): HostPort {
  if (listen === undefined) return fallback;
  checkKeys("listen", listen, ["host", "port"]);
  const { host = fallback.host, port = fallback.port } = listen;
  checkText("listen.host", host);
  expect(host !== "" && !/[\s/@]/.test(host), "listen.host", "a host name or address", host);
  checkWhole("listen.port", port, 1, 65_535);
  return { host: host.toLowerCase(), port };
}

function checkCookie(cookie: unknown, listen: HostPort): void {
  if (cookie !== null) checkSecret("cookie", cookie, "a text that all nodes know, or null");
  else if (!isLoopback(listen.host)) {
    const place = formatHostPort(listen.host, listen.port);
    throw new RangeError(
      `cookie: expected a secret for a node that listens on ${place}, received none; ` +
        "without one a node listens on 127.0.0.1, ::1 or localhost only",
    );
  }
}

function checkTls(tls: unknown): void {
  if (tls === null) return;
  const keys = ["key", "cert", "ca"];
  checkKeys("tls", tls, keys);
  for (const key of keys) {
    checkSecret(`tls.${key}`, (tls as Record<string, unknown>)[key], "PEM, or the path of a file");
  }
}

/** Says of a wrong value its type only. */
function checkSecret(field: string, value: unknown, expected: string): void {
  expectType(typeof value === "string", field, expected, `a value of type ${typeof value}`);
  if (value === "") throw new RangeError(`${field}: expected ${expected}, received an empty text`);
}

function checkKeys(field: string, value: unknown, keys: readonly string[]): void {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  expectType(isRecord, field, "an object", show(value));
  const unknown = Object.keys(value as object).find((key) => !keys.includes(key));
  expectType(unknown === undefined, field, `only the keys ${keys.join(", ")}`, show(unknown));
}

function checkList(
  field: string,
  value: unknown,
  checkItem: (item: string, field: string) => void,
): void {
  expectType(Array.isArray(value), field, "a list of texts", show(value));
  for (const [index, item] of (value as readonly unknown[]).entries()) {
    const at = `${field}[${index}]`;
    checkText(at, item);
    checkItem(item as string, at);
  }
}

function checkText(field: string, value: unknown): void {
  expectType(typeof value === "string", field, "a text", show(value));
}

function checkWhole(field: string, value: unknown, min: number, max: number): void {
  expectType(typeof value === "number", field, "a number", show(value));
  const isIn = Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
  expect(isIn, field, `a whole number from ${min} to ${max}`, value);
}

function expect(holds: boolean, field: string, expected: string, received: unknown): void {
  if (holds) return;
  throw new RangeError(`${field}: expected ${expected}, received ${show(received)}`);
}

function expectType(holds: boolean, field: string, expected: string, received: string): void {
  if (!holds) throw new TypeError(`${field}: expected ${expected}, received ${received}`);
}

function show(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 80, breakLength: Number.POSITIVE_INFINITY });
}
