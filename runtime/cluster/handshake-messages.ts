/**
 * What two nodes say to each other before they are known to each other. Every message is a JSON
 * object of at most 2 KiB. Everything in it comes from a stranger: each field is checked, a field
 * that this version does not know is passed over.
 */

import { TroupeError } from "../core/index.ts";
import type { NodeIdentity } from "./node-identity.ts";
import { isNodeName } from "./node-name.ts";

/** Why a handshake came to nothing, and what it tells. */
export const handshakeCodes = {
  wrong_cookie: "the other side does not know the cookie",
  wrong_cluster: "the other side is of another cluster",
  wrong_version: "no version of the protocol is known to both",
  wrong_node: "another node answered than the one that was dialled",
  self: "the node reached itself",
  silent_peer: "the other side did not say what was due before the deadline",
  oversized_frame: "a frame was announced that is longer than any of a handshake",
  malformed: "what came is no message of a handshake, or not the one that was due",
  refused: "the node wants no connection to the other one",
  closed: "the connection was over before the handshake was",
} as const;

export type HandshakeCode = keyof typeof handshakeCodes;

/** The one reason for which a handshake came to nothing. */
export class HandshakeError extends TroupeError {
  declare readonly code: HandshakeCode;

  constructor(code: HandshakeCode, message: string) {
    super(code, message);
    this.name = "HandshakeError";
  }
}

/** The versions of the protocol that this code speaks. */
export const protocolVersions: VersionRange = { min: 1, max: 1 };

/** The longest payload, in bytes. */
export const maxHandshakeBytes: number = 2_048;

/** How many roles a node may have; with names of full length a message still fits. */
export const maxRoles: number = 16;

const magic = "troupe";
const maxTextLength = 200;
const labelPattern = /^[\w.:-]{1,64}$/;
const rolePattern = /^(?=.{1,64}$)(?:[\w.:-]+\/)?[\w.:-]+$/;
const hexPattern = /^[0-9a-f]{64}$/;

/** From the oldest to the newest version, both inclusive. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/** A node, and the thread of it that has the connection. */
export type PeerIdentity = NodeIdentity & { readonly thread: number };

/** The one that dialled introduces itself. */
export interface Hello extends PeerIdentity {
  readonly type: "hello";
  readonly versions: VersionRange;
  /** 32 random bytes in hexadecimal. */
  readonly nonce: string;
}

/** The one that was dialled introduces itself, and says which version it is to be. */
interface Challenge extends Omit<PeerIdentity, "cluster"> {
  readonly type: "challenge";
  readonly version: number;
  readonly nonce: string;
}

/** The one that dialled shows that it knows the cookie; `welcome` is the other's turn to do so. */
interface Proof {
  readonly type: "proof" | "welcome";
  /** HMAC-SHA-256 in hexadecimal. */
  readonly mac: string;
}

/** Either side's last word. */
interface Refusal {
  readonly type: "refusal";
  readonly code: HandshakeCode;
  readonly text: string;
}

export type HandshakeMessage = Hello | Challenge | Proof | Refusal;

/** Whether the text may be a role: a label, or two with a slash between, 64 characters at most. */
export function isRole(text: unknown): text is string {
  return typeof text === "string" && rolePattern.test(text);
}

/** Whether the text may be the name of a cluster: 1 to 64 of `A-Z a-z 0-9 _ . : -`. */
function isLabel(text: unknown): text is string {
  return typeof text === "string" && labelPattern.test(text);
}

/**
 * Checks what a node says of itself.
 * @throws RangeError that names the field and what was expected.
 */
export function checkIdentity(identity: PeerIdentity): void {
  const fault = findIdentityFault(identity);
  if (fault !== undefined) throw new RangeError(fault);
}

/** The payload of a message; at most {@link maxHandshakeBytes} for an identity that was checked. */
export function encodeMessage(message: HandshakeMessage): Buffer {
  return Buffer.from(JSON.stringify({ magic, ...message }));
}

/**
 * Reads a payload; `"fault"` says what is wrong with it. A hello of versions that this one does not
 * speak is read as far as its versions: the rest may mean anything.
 */
export function parseMessage(
  payload: Uint8Array,
): HandshakeMessage | { readonly versions: VersionRange } | { readonly fault: string } {
  const fields = parseFields(payload);
  if (fields === undefined || fields["magic"] !== magic) {
    return { fault: "expected a message of a handshake" };
  }
  switch (fields["type"]) {
    case "hello":
      return parseHello(fields);
    case "challenge":
      return parseChallenge(fields);
    case "proof":
    case "welcome":
      return isHex(fields["mac"])
        ? { type: fields["type"], mac: fields["mac"] }
        : { fault: "mac: expected 32 bytes in hexadecimal" };
    case "refusal":
      return parseRefusal(fields);
    default:
      return { fault: "type: expected hello, challenge, proof, welcome or refusal" };
  }
}

/** The version that both speak, the newest; undefined when there is none. */
export function selectVersion(ours: VersionRange, theirs: VersionRange): number | undefined {
  const version = Math.min(ours.max, theirs.max);
  return version >= Math.max(ours.min, theirs.min) ? version : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function parseFields(payload: Uint8Array): Fields | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

function parseHello(
  fields: Fields,
): Hello | { readonly versions: VersionRange } | { readonly fault: string } {
  const versions = parseVersions(fields["versions"]);
  if (versions === undefined) return { fault: "versions: expected min and max, 1 or more" };
  if (selectVersion(protocolVersions, versions) === undefined) return { versions };
  const fault = findIdentityFault(fields) ?? findNonceFault(fields);
  if (fault !== undefined) return { fault };
  const { cluster, nonce } = fields as unknown as Hello;
  return { type: "hello", versions, cluster, ...selectIdentity(fields), nonce };
}

function parseChallenge(fields: Fields): Challenge | { readonly fault: string } {
  const fault = findIdentityFault({ ...fields, cluster: "-" }) ?? findNonceFault(fields);
  if (fault !== undefined) return { fault };
  const { version, nonce } = fields as unknown as Challenge;
  if (!isVersion(version)) return { fault: "version: expected 1 or more" };
  return { type: "challenge", version, ...selectIdentity(fields), nonce };
}

function parseRefusal({ code, text }: Fields): Refusal | { readonly fault: string } {
  if (typeof code !== "string" || !Object.hasOwn(handshakeCodes, code)) {
    return { fault: "code: expected the reason of a refusal" };
  }
  if (typeof text !== "string" || text.length > maxTextLength) {
    return { fault: `text: expected at most ${maxTextLength} characters` };
  }
  return { type: "refusal", code: code as HandshakeCode, text };
}

function parseVersions(value: unknown): VersionRange | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { min, max } = value as Fields;
  return isVersion(min) && isVersion(max) && min <= max ? { min, max } : undefined;
}

/** Of a node that was checked. */
function selectIdentity(fields: Fields): Omit<PeerIdentity, "cluster"> {
  const { name, incarnation, thread, roles } = fields as unknown as PeerIdentity;
  return { name, incarnation, thread, roles };
}

function findIdentityFault(fields: object): string | undefined {
  const { cluster, name, incarnation, thread, roles } = fields as Fields;
  if (!isLabel(cluster)) return "cluster: expected 1 to 64 of A-Z a-z 0-9 _ . : -";
  if (!isNodeName(name)) return "name: expected alias@host:port in lower case";
  if (!isCount(incarnation)) return "incarnation: expected a whole number";
  if (!isCount(thread)) return "thread: expected a whole number";
  const areRoles = Array.isArray(roles) && roles.length <= maxRoles && roles.every(isRole);
  return areRoles
    ? undefined
    : `roles: expected at most ${maxRoles} of 1 to 64 of A-Z a-z 0-9 _ . : -, with one / at most`;
}

function findNonceFault(fields: Fields): string | undefined {
  return isHex(fields["nonce"]) ? undefined : "nonce: expected 32 bytes in hexadecimal";
}

function isHex(value: unknown): value is string {
  return typeof value === "string" && hexPattern.test(value);
}

function isVersion(value: unknown): value is number {
  return isCount(value) && value > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
