/**
 * How two nodes come to trust each other: pure, without sockets and clocks. Either side shows that
 * it knows the cookie without saying it: it answers with an HMAC-SHA-256 whose key is the cookie,
 * over a label of its own and over the hello and the challenge as they were sent, each with a fresh
 * nonce. So a proof is good for one connection, one direction and these two nodes alone, and no word
 * of the greeting (versions, names, roles) can be changed on the way.
 *
 * | dialled | | accepts |
 * |---|---|---|
 * | sends `hello` | → | 3: waits for it |
 * | 1: waits | ← | sends `challenge` |
 * | sends `proof` | → | 4: waits for it |
 * | 2: waits | ← | sends `welcome`; both are done |
 *
 * Either side may end with `refusal`. After Erlang's distribution handshake, which differs: its
 * digests cover the challenge alone, its states carry a status and flags.
 */

import { createHmac, timingSafeEqual } from "node:crypto";
import {
  checkIdentity,
  encodeMessage,
  type HandshakeCode,
  HandshakeError,
  type HandshakeMessage,
  type Hello,
  handshakeCodes,
  type PeerIdentity,
  parseMessage,
  protocolVersions,
  selectVersion,
} from "./handshake-messages.ts";

/** Who this side is, and what it knows. */
export interface Credentials {
  readonly identity: PeerIdentity;
  /** Null on both sides proves nothing: for nodes that only this machine can reach. */
  readonly cookie: string | null;
}

/** What the side waits for. */
export const handshakeState = {
  dialledAwaitsChallenge: 1,
  dialledAwaitsWelcome: 2,
  acceptsAwaitsHello: 3,
  acceptsAwaitsProof: 4,
} as const;

/** What the state waits for, in words. */
export const awaited: Readonly<Record<HandshakeState["at"], string>> = {
  1: "a challenge",
  2: "a welcome",
  3: "a hello",
  4: "a proof",
};

interface Transcript {
  readonly peer: PeerIdentity;
  readonly version: number;
  readonly hello: Uint8Array;
  readonly challenge: Uint8Array;
}

export type HandshakeState = { readonly credentials: Credentials } & (
  | {
      readonly at: typeof handshakeState.dialledAwaitsChallenge;
      /** Null: whoever answers is welcome. */
      readonly expectedName: string | null;
      readonly hello: Uint8Array;
    }
  | { readonly at: typeof handshakeState.dialledAwaitsWelcome; readonly transcript: Transcript }
  | { readonly at: typeof handshakeState.acceptsAwaitsHello; readonly nonce: Uint8Array }
  | { readonly at: typeof handshakeState.acceptsAwaitsProof; readonly transcript: Transcript }
);

/** What to do about a message: send the payload if there is one, and go on, rejoice or give up. */
export type HandshakeStep = { readonly send: Uint8Array | null } & (
  | { readonly next: HandshakeState }
  | { readonly peer: PeerIdentity; readonly version: number }
  | { readonly failure: HandshakeError }
);

/**
 * The beginning of the side that dialled. `nonce` is 32 bytes that were never used before.
 * @throws RangeError when the credentials do not keep to the limits.
 */
export function beginDialled(
  credentials: Credentials,
  expectedName: string | null,
  nonce: Uint8Array,
): HandshakeStep {
  const { name, incarnation, cluster, thread, roles } = credentials.identity;
  checkIdentity(credentials.identity);
  if (expectedName === name) return { send: null, failure: selfFailure(name) };
  const hello = encodeMessage({
    type: "hello",
    versions: protocolVersions,
    ...{ name, incarnation, cluster, thread, roles },
    nonce: toHex(nonce),
  });
  const at = handshakeState.dialledAwaitsChallenge;
  return { send: hello, next: { at, credentials, expectedName, hello } };
}

/**
 * The beginning of the side that accepts. `nonce` is 32 bytes that were never used before.
 * @throws RangeError when the credentials do not keep to the limits.
 */
export function beginAccepting(credentials: Credentials, nonce: Uint8Array): HandshakeStep {
  checkIdentity(credentials.identity);
  const at = handshakeState.acceptsAwaitsHello;
  return { send: null, next: { at, credentials, nonce } };
}

/** What to do about the payload of a handshake's frame. Never throws, whatever it is given. */
export function decideStep(state: HandshakeState, payload: Uint8Array): HandshakeStep {
  const message = parseMessage(payload);
  if ("fault" in message) return refuse("malformed", message.fault);
  if (!("type" in message)) {
    const { min, max } = message.versions;
    const ours = `${protocolVersions.min} to ${protocolVersions.max}`;
    return refuse("wrong_version", `expected versions ${ours}, received ${min} to ${max}`);
  }
  if (message.type === "refusal") {
    const text = `the other side refused: ${message.text}`;
    return { send: null, failure: new HandshakeError(message.code, text) };
  }
  switch (state.at) {
    case handshakeState.dialledAwaitsChallenge:
      return decideOnChallenge(state, message, payload);
    case handshakeState.dialledAwaitsWelcome:
      return decideOnWelcome(state, message);
    case handshakeState.acceptsAwaitsHello:
      return decideOnHello(state, message, payload);
    case handshakeState.acceptsAwaitsProof:
      return decideOnProof(state, message);
  }
}

/** What is sent, and how it ends, when this side gives up. The text goes to the other side too. */
export function refuse(code: HandshakeCode, text: string = handshakeCodes[code]): HandshakeStep {
  const send = encodeMessage({ type: "refusal", code, text: text.slice(0, 200) });
  return { send, failure: new HandshakeError(code, text) };
}

type At<Name extends keyof typeof handshakeState> = Extract<
  HandshakeState,
  { readonly at: (typeof handshakeState)[Name] }
>;

function decideOnChallenge(
  state: At<"dialledAwaitsChallenge">,
  message: HandshakeMessage,
  challenge: Uint8Array,
): HandshakeStep {
  if (message.type !== "challenge") return unexpected(state, message);
  const { credentials, expectedName, hello } = state;
  const { version, name, incarnation, thread, roles } = message;
  if (version < protocolVersions.min || version > protocolVersions.max) {
    return refuse("wrong_version", `version ${version} was chosen, which was not offered`);
  }
  if (name === credentials.identity.name) return refuseOwnName(credentials, incarnation);
  if (expectedName !== null && name !== expectedName) {
    return refuse("wrong_node", `expected ${expectedName}, reached ${name}`);
  }
  const peer = { name, incarnation, cluster: credentials.identity.cluster, roles, thread };
  const transcript = { peer, version, hello, challenge };
  const mac = prove("proof", credentials.cookie, transcript).toString("hex");
  const at = handshakeState.dialledAwaitsWelcome;
  return { send: encodeMessage({ type: "proof", mac }), next: { at, credentials, transcript } };
}

function decideOnWelcome(
  state: At<"dialledAwaitsWelcome">,
  message: HandshakeMessage,
): HandshakeStep {
  if (message.type !== "welcome") return unexpected(state, message);
  const { credentials, transcript } = state;
  if (!isProven("welcome", credentials.cookie, transcript, message.mac)) {
    return refuse("wrong_cookie");
  }
  return { send: null, peer: transcript.peer, version: transcript.version };
}

function decideOnHello(
  state: At<"acceptsAwaitsHello">,
  message: HandshakeMessage,
  hello: Uint8Array,
): HandshakeStep {
  if (message.type !== "hello") return unexpected(state, message);
  const { credentials, nonce } = state;
  const { identity } = credentials;
  const { cluster, name, incarnation, thread, roles } = message;
  const version = chosenVersion(message);
  if (cluster !== identity.cluster) {
    return refuse("wrong_cluster", `expected cluster ${identity.cluster}, received ${cluster}`);
  }
  if (name === identity.name) return refuseOwnName(credentials, incarnation);
  const challenge = encodeMessage({
    type: "challenge",
    version,
    name: identity.name,
    incarnation: identity.incarnation,
    thread: identity.thread,
    roles: identity.roles,
    nonce: toHex(nonce),
  });
  const peer = { name, incarnation, cluster, roles, thread };
  const transcript = { peer, version, hello, challenge };
  const at = handshakeState.acceptsAwaitsProof;
  return { send: challenge, next: { at, credentials, transcript } };
}

function decideOnProof(state: At<"acceptsAwaitsProof">, message: HandshakeMessage): HandshakeStep {
  if (message.type !== "proof") return unexpected(state, message);
  const { credentials, transcript } = state;
  if (!isProven("proof", credentials.cookie, transcript, message.mac)) {
    return refuse("wrong_cookie");
  }
  const mac = prove("welcome", credentials.cookie, transcript).toString("hex");
  const { peer, version } = transcript;
  return { send: encodeMessage({ type: "welcome", mac }), peer, version };
}

function unexpected(state: HandshakeState, message: HandshakeMessage): HandshakeStep {
  return refuse("malformed", `expected ${awaited[state.at]}, received a ${message.type}`);
}

/** A name is either ours, or somebody's who took it. */
function refuseOwnName({ identity }: Credentials, incarnation: number): HandshakeStep {
  if (incarnation === identity.incarnation)
    return refuse("self", selfFailure(identity.name).message);
  return refuse("refused", `two nodes are named ${identity.name}`);
}

function selfFailure(name: string): HandshakeError {
  return new HandshakeError("self", `${name} reached itself`);
}

/** A hello without a version for us was never read this far. */
function chosenVersion({ versions }: Hello): number {
  return selectVersion(protocolVersions, versions) ?? protocolVersions.min;
}

/** The lengths keep two different pairs from having the same bytes. */
function prove(
  label: "proof" | "welcome",
  cookie: string | null,
  { hello, challenge }: Transcript,
): Buffer {
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(hello.length, 0);
  lengths.writeUInt32BE(challenge.length, 4);
  return createHmac("sha256", cookie ?? "")
    .update(`troupe ${label}\0`)
    .update(lengths)
    .update(hello)
    .update(challenge)
    .digest();
}

function isProven(
  label: "proof" | "welcome",
  cookie: string | null,
  transcript: Transcript,
  mac: string,
): boolean {
  return timingSafeEqual(prove(label, cookie, transcript), Buffer.from(mac, "hex"));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
