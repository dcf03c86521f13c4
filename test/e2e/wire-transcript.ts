import { readFileSync } from "node:fs";
import type { Frame } from "./wire-client.ts";

/** What the original did in answer: a frame, or the end of the socket with that code. */
export type Answer = Frame | { readonly closed: number };

/** One thing that a client sent to the original, and all that it got for it, in its order. */
export interface Exchange {
  readonly name: string;
  /** The socket, and the query with which it was opened. */
  readonly client: string;
  readonly query: string;
  readonly sent: Frame | string;
  readonly received: readonly Answer[];
}

type Line =
  | readonly ["open", client: string, query: string]
  | readonly ["case", name: string]
  | readonly ["->", client: string, sent: Frame | string]
  | readonly ["<-", client: string, received: Frame]
  | readonly ["closed", client: string, code: number];

/**
 * What was recorded of the original, PhoenixGenApi 2.22.0, a line for each event. Relay groups are
 * not among it.
 */
export function readTranscript(): readonly Exchange[] {
  const text = readFileSync(new URL("fixtures/wire-transcript.jsonl", import.meta.url), "utf8");
  const queries = new Map<string, string>();
  const exchanges: (Exchange & { readonly received: Answer[] })[] = [];
  let name = "";
  for (const line of text
    .trimEnd()
    .split("\n")
    .map((json) => JSON.parse(json) as Line)) {
    if (line[0] === "open") queries.set(line[1], line[2]);
    else if (line[0] === "case") name = line[1];
    else if (line[0] === "->") {
      const [, client, sent] = line;
      exchanges.push({ name, client, query: queries.get(client) ?? "", sent, received: [] });
    } else {
      exchanges.at(-1)?.received.push(line[0] === "closed" ? { closed: line[2] } : line[2]);
    }
  }
  return exchanges;
}
