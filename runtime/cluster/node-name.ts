/** The name of a node says where it listens: `users@127.0.0.1:9101`, `users@[::1]:9101`. */

import { isIPv4, isIPv6 } from "node:net";

/** Where something listens. */
export interface HostPort {
  /** A host name or an IP address in lower case; IPv6 without brackets. */
  readonly host: string;
  /** 0 to 65535; 0 stands for one that is chosen when listening begins. */
  readonly port: number;
}

/** The parts of a node's name. */
export interface NodeName extends HostPort {
  /** The whole in its one spelling: lower case, the port without leading zeros. */
  readonly name: string;
  /** What stands before the `@`. */
  readonly alias: string;
}

const aliasPattern = /^[a-z0-9_-]{1,64}$/;
const labelPattern = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const maxHostLength = 253;
const maxPort = 65_535;

/**
 * Reads `alias@host:port`. Names are compared as text, so that letters become lower case and IPv6
 * addresses take their shortest form; port 0 is taken, for a node whose port is not chosen yet.
 * @throws RangeError that begins with `field` and says what was expected and received.
 */
export function parseNodeName(text: string, field = "name"): NodeName {
  const parts = readNodeName(text);
  if (parts === undefined) throw misuse(field, "alias@host:port", text);
  return parts;
}

/**
 * Reads `host:port`, IPv6 in brackets.
 * @throws RangeError that begins with `field` and says what was expected and received.
 */
export function parseHostPort(text: string, field = "listen"): HostPort {
  const place = readHostPort(text);
  if (place === undefined) throw misuse(field, "host:port", text);
  return place;
}

/** The name of a node by its parts, in the spelling that `parseNodeName` gives. */
export function formatNodeName(alias: string, host: string, port: number): string {
  return `${alias.toLowerCase()}@${formatHostPort(host, port)}`;
}

/** `host:port`, IPv6 in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether the text is the name of a node that listens, spelled as `parseNodeName` spells it. */
export function isNodeName(text: unknown): text is string {
  if (typeof text !== "string") return false;
  const parts = readNodeName(text);
  return parts !== undefined && parts.name === text && parts.port !== 0;
}

/** Whether only programs of this machine can reach the host: `localhost`, 127.0.0.0/8, `::1`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

function readNodeName(text: string): NodeName | undefined {
  const at = text.indexOf("@");
  const alias = text.slice(0, Math.max(0, at)).toLowerCase();
  const place = readHostPort(text.slice(at + 1));
  if (!aliasPattern.test(alias) || place === undefined) return undefined;
  return { name: formatNodeName(alias, place.host, place.port), alias, ...place };
}

function readHostPort(text: string): HostPort | undefined {
  const colon = text.lastIndexOf(":");
  const digits = text.slice(colon + 1);
  if (colon === -1 || !/^\d{1,5}$/.test(digits) || Number(digits) > maxPort) return undefined;
  const host = readHost(text.slice(0, colon).toLowerCase());
  return host === undefined ? undefined : { host, port: Number(digits) };
}

function readHost(text: string): string | undefined {
  if (text.startsWith("[") && text.endsWith("]")) {
    const address = text.slice(1, -1);
    // The URL parser knows the shortest form; it knows no zones, which mean nothing elsewhere.
    if (!isIPv6(address) || address.includes("%")) return undefined;
    return new URL(`tcp://${text}`).hostname.slice(1, -1);
  }
  if (isIPv4(text)) return text;
  const labels = text.split(".");
  // What ends in a number is an address, and not a good one.
  const isNumeric = /^\d+$/.test(labels.at(-1) ?? "");
  if (isNumeric || text.length > maxHostLength) return undefined;
  return labels.every((label) => labelPattern.test(label)) ? text : undefined;
}

function misuse(field: string, expected: string, received: unknown): RangeError {
  return new RangeError(`${field}: expected ${expected}, received ${JSON.stringify(received)}`);
}
