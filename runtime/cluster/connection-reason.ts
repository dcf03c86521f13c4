/** Why a connection is over, in words for an operator. */

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { toErrorRecord } from "../core/index.ts";

/** What the platform's codes mean to an operator. */
const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection was reset",
  ETIMEDOUT: "the other side does not answer",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network of the host cannot be reached",
  ENOTFOUND: "no such host",
  CERT_HAS_EXPIRED: "it has expired",
  CERT_NOT_YET_VALID: "it is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "it is for another host than the one dialled",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "another authority has signed it",
  SELF_SIGNED_CERT_IN_CHAIN: "another authority has signed it",
  DEPTH_ZERO_SELF_SIGNED_CERT: "it has signed itself",
  EAI_AGAIN: "the name of the host cannot be looked up",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "it presented no certificate",
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: "the other side expects a certificate",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: "the other side does not trust the certificate of this node",
  ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS: both nodes need the same tls settings",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "it does not speak TLS: both nodes need the same tls settings",
};

const unreached: ReadonlySet<string | undefined> = new Set(
  ["ECONNREFUSED", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"].map(
    (code) => reasons[code],
  ),
);

/** Whether nobody was there to say anything: the reason is one of the way, or the system's own. */
export function isUnreached(reason: string): boolean {
  return unreached.has(reason) || /\bE[A-Z]{4,}\b/.test(reason);
}

/** The reason when the other side ended the connection. */
export const peerEnded = "closed by the other side";

/** What the error of a socket, with or without TLS, means to an operator; in one line. */
export function explainError(error: unknown, socket: Socket): string {
  const fault = readTrustFault(socket);
  if (fault !== null) {
    return `the certificate of the other side is not trusted: ${reasons[fault] ?? fault}`;
  }
  const { code, message } = toErrorRecord(error);
  const isTls = code.startsWith("ERR_SSL_");
  return reasons[code] ?? (isTls ? `TLS: ${code}` : message || code || "the connection failed");
}

/** The code of what is wrong with the certificate that the other side has presented. */
function readTrustFault(socket: Socket): string | null {
  if (!(socket instanceof TLSSocket)) return null;
  // A text, though it is declared as an error.
  const fault: unknown = socket.authorizationError;
  return typeof fault === "string" ? fault : null;
}
