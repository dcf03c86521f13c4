/**
 * The bearer token that phoenix.js 1.8 hides in the `Sec-WebSocket-Protocol` header, because
 * browsers let a WebSocket set no other header.
 */

import { isUtf8 } from "node:buffer";

/** The subprotocol that such clients offer beside the token, and the only one ever answered. */
export const phoenixSubprotocol = "phoenix";

const tokenPrefix = "base64url.bearer.phx.";

/** Both alphabets: the name says base64url, phoenix.js sends what `btoa` makes, less the padding. */
const base64Text = /^[A-Za-z0-9+/_-]+={0,2}$/;

/**
 * The token in a `Sec-WebSocket-Protocol` header, decoded; undefined when there is no header, no
 * token in it, more than one, or one that is not base64 (as with Phoenix: the connect handler then
 * sees a client without a token).
 *
 * The bytes are read as UTF-8, or as Latin-1 (what `btoa` takes) where they are not that. The result
 * is untrusted text of any content.
 */
export function parseBearerToken(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  let encoded: string | undefined;
  for (const item of header.split(",")) {
    const protocol = item.trim();
    if (!protocol.startsWith(tokenPrefix)) continue;
    if (encoded !== undefined) return undefined;
    encoded = protocol.slice(tokenPrefix.length);
  }
  if (encoded === undefined || !base64Text.test(encoded)) return undefined;
  const digits = encoded.replace(/=+$/, "").length;
  if (digits % 4 === 1) return undefined;
  const bytes = Buffer.from(encoded, "base64");
  return bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
}

/**
 * The subprotocol to answer the handshake with: `"phoenix"` when it is offered, else none. The token
 * is never repeated. A browser that offered something fails the connection when nothing is answered.
 */
export function selectSubprotocol(
  offered: Iterable<string>,
): typeof phoenixSubprotocol | undefined {
  for (const protocol of offered) {
    if (protocol === phoenixSubprotocol) return phoenixSubprotocol;
  }
  return undefined;
}
