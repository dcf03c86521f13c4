/**
 * The origin check: a browser tells which page opens a socket (RFC 6454), and not every page may.
 * Programs send no `Origin` and are not concerned.
 */

import { isIPv4, isIPv6 } from "node:net";

/**
 * Who may connect from a browser: `"*"` any page; a list those of the list alone; null the pages of
 * the host that the client has connected to.
 */
export type AllowedOrigins = readonly string[] | "*" | null;

/** Whether a request with these headers may go on. */
export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean;

/** An entry of a list of origins. */
interface OriginPattern {
  /** With its colon. */
  readonly protocol: string;
  /** Without the `*.`. */
  readonly hostname: string;
  /** Any name below `hostname`, not `hostname` itself. */
  readonly isBelow: boolean;
  /** Empty: the default of the protocol; null: any. */
  readonly port: string | null;
}

const patternText =
  /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([^\s/*:?#@[\]]+|\[[0-9a-f:.]+\])(:\d{1,5}|:\*)?$/i;

/** Where a page comes from that has no origin of its own: a file, a sandboxed frame. */
const opaqueOrigin = "null";

/**
 * Whether `text` can stand in a list of origins: `https://app.example.com`,
 * `https://*.example.com` (any depth, without `example.com`), with a port or `:*`; or `null`.
 */
export function isOriginPattern(text: string): boolean {
  return text === opaqueOrigin || parsePattern(text) !== null;
}

/**
 * Compiles a list. A request without an origin always passes. Without a list the host of the origin
 * must be that of the `Host` header, whatever their ports; loopback names count as one host. One who
 * listens on a loopback address (`boundTo`) then is no other name's host: a page can have its name
 * resolve to this machine (DNS rebinding), but neither a loopback name nor an address.
 * @throws TypeError for an entry that {@link isOriginPattern} refuses.
 */
export function compileOrigins(allowed: AllowedOrigins, boundTo: string): OriginCheck {
  if (allowed === "*") return () => true;
  if (allowed === null) {
    const isLocal = isLoopbackHost(parseHost(boundTo) ?? "");
    return (origin, host) => origin === undefined || isSameHost(origin, host, isLocal);
  }
  const patterns = allowed.filter((text) => text !== opaqueOrigin).map(compilePattern);
  const takesOpaque = allowed.includes(opaqueOrigin);
  return (origin) => {
    if (origin === undefined) return true;
    if (origin === opaqueOrigin) return takesOpaque;
    const url = URL.parse(origin);
    return url !== null && patterns.some((pattern) => matches(pattern, url));
  };
}

/** Whether a name or address, as a URL has it, is this machine's own. */
function isLoopbackHost(hostname: string): boolean {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  return hostname === "[::1]" || (isIPv4(hostname) && hostname.startsWith("127."));
}

/** A name or address to listen on, as a URL has it. */
function parseHost(text: string): string | undefined {
  return URL.parse(`http://${isIPv6(text) ? `[${text}]` : text}`)?.hostname;
}

/** Whether what a URL has as its host is an address and no name. */
function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || isIPv4(hostname);
}

function isSameHost(origin: string, host: string | undefined, isLocal: boolean): boolean {
  const page = URL.parse(origin)?.hostname;
  const own = host === undefined ? undefined : URL.parse(`http://${host}`)?.hostname;
  if (page === undefined || own === undefined || page === "") return false;
  if (isLocal && !isLoopbackHost(own) && !isAddress(own)) return false;
  return page === own || (isLoopbackHost(page) && isLoopbackHost(own));
}

function compilePattern(text: string): OriginPattern {
  const pattern = parsePattern(text);
  if (pattern !== null) return pattern;
  throw new TypeError(`allowedOrigins: expected an origin, received ${JSON.stringify(text)}`);
}

function parsePattern(text: string): OriginPattern | null {
  const [, scheme, below, host, port = ""] = patternText.exec(text) ?? [];
  if (scheme === undefined || host === undefined) return null;
  const url = URL.parse(`${scheme}://${host}${port === ":*" ? "" : port}`);
  if (url === null || url.hostname === "") return null;
  const { protocol, hostname } = url;
  return {
    protocol,
    hostname,
    isBelow: below !== undefined,
    port: port === ":*" ? null : url.port,
  };
}

function matches({ protocol, hostname, isBelow, port }: OriginPattern, url: URL): boolean {
  if (url.protocol !== protocol || (port !== null && url.port !== port)) return false;
  return isBelow ? url.hostname.endsWith(`.${hostname}`) : url.hostname === hostname;
}
