/** The HTTP side of a gateway: is it alive, is it ready, what runs here. */

import type { IncomingMessage, ServerResponse } from "node:http";
import { websocketPath } from "../channel/index.ts";
import { chatPolicy, selectChatFile } from "./chat-page.ts";
import { encodeHomePage, type HomePage } from "./home-page.ts";

/** What the pages need to know when one is asked for. */
export interface HttpFacts {
  /** Whether requests can be served: the registry and the services are up, nothing is stopping. */
  readonly ready: boolean;
  readonly home: () => HomePage;
}

/** An HTTP answer. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const plainHeaders = {
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "X-Frame-Options": "DENY",
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
};

/** Decides the answer to a request; the body of a HEAD is for its length alone. */
export function decidePage(method: string, path: string, facts: HttpFacts): Page {
  const chat = selectChatFile(path, facts.home);
  if (
    chat === null &&
    path !== "/" &&
    path !== "/health" &&
    path !== "/ready" &&
    path !== websocketPath
  ) {
    return textPage(404, "not found");
  }
  if (method !== "GET" && method !== "HEAD") {
    return textPage(405, "method not allowed", { Allow: "GET, HEAD" });
  }
  if (chat !== null) {
    return page(200, chat.type, chat.body, { "Content-Security-Policy": chatPolicy });
  }
  if (path === websocketPath) {
    return textPage(426, "this is a WebSocket", { Upgrade: "websocket", Connection: "Upgrade" });
  }
  if (path === "/") {
    const body = encodeHomePage(facts.home());
    return page(200, "text/html; charset=utf-8", body);
  }
  if (path === "/health") return jsonPage(200, { status: "ok" });
  return facts.ready
    ? jsonPage(200, { status: "ready" })
    : jsonPage(503, { status: "unavailable" });
}

/** Answers a request that does not become a socket. */
export function answerHttp(
  request: IncomingMessage,
  response: ServerResponse,
  facts: HttpFacts,
): void {
  const { method = "GET", url = "/" } = request;
  const mark = url.indexOf("?");
  const { status, headers, body } = decidePage(method, mark < 0 ? url : url.slice(0, mark), facts);
  // A body that nobody reads must not keep the connection: it is not worth its bytes.
  if (method !== "GET" && method !== "HEAD") response.setHeader("Connection", "close");
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) });
  response.end(method === "HEAD" ? undefined : body);
}

function textPage(status: number, text: string, headers: Record<string, string> = {}): Page {
  return page(status, "text/plain; charset=utf-8", `${text}\n`, headers);
}

function jsonPage(status: number, value: unknown): Page {
  return page(status, "application/json", `${JSON.stringify(value)}\n`);
}

function page(
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {},
): Page {
  return { status, headers: { ...plainHeaders, "Content-Type": type, ...headers }, body };
}
