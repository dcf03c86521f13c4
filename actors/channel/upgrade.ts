/** The HTTP side of a socket's beginning: which requests may become one. */

import { type IncomingHttpHeaders, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { type Codec, codecFor } from "./codec.ts";
import type { ConnectRequest } from "./connect.ts";
import { parseBearerToken } from "./token.ts";

/** Where clients connect; phoenix.js adds `/websocket` to the endpoint `/socket`. */
export const websocketPath = "/socket/websocket";

/** What becomes of an upgrade request. `reason` is the body of the refusal. */
export type UpgradeDecision =
  | { readonly ok: true; readonly codec: Codec; readonly request: ConnectRequest }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/** Decides by path and `vsn`; whether the client is welcome is for the connect handler. */
export function decideUpgrade(
  url: string,
  headers: IncomingHttpHeaders,
  ipAddress: string | null,
): UpgradeDecision {
  const mark = url.indexOf("?");
  const path = mark === -1 ? url : url.slice(0, mark);
  if (path !== websocketPath) {
    return { ok: false, status: 404, reason: `no socket here; connect to ${websocketPath}` };
  }
  const query = new URLSearchParams(mark === -1 ? "" : url.slice(mark));
  const codec = codecFor(query.get("vsn") ?? undefined);
  if (codec === undefined) {
    return { ok: false, status: 400, reason: "unsupported vsn; use 2.0.0 or 1.0.0" };
  }
  const params: Record<string, string> = Object.fromEntries(query);
  const header = parseBearerToken(headers["sec-websocket-protocol"]);
  const token = query.get("token") ?? header ?? null;
  return { ok: true, codec, request: { params, token, headers, ipAddress, claims: null } };
}

/** Answers an upgrade request with a plain HTTP response and hangs up. */
export function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`;
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n` +
      "Content-Type: text/plain; charset=utf-8\r\n" +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
