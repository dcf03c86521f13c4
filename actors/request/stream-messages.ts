/**
 * What the two ends of a stream say to each other. The consumer offers a {@link StreamOpening} in the
 * CallInfo of the call; who answers that call has opened the stream, and produces it outside of its
 * turns:
 *
 * ```text
 * consumer → producer   the call, with info.stream = {consumer, id, window}
 * producer → consumer   streamed(id, [], null, producer)      who takes grants and stops
 * producer → consumer   the answer of the call                opened
 * producer → consumer   streamed(id, [text, …], null, null)   never more than `window` not granted
 * consumer → producer   troupe:grant(consumer, id, n)         n chunks have been taken
 * producer → consumer   streamed(id, […], end, null)          the last message
 * consumer → producer   troupe:stop(consumer, id)             no more is wanted
 * ```
 *
 * Each side watches the other. Chunks travel as JSON text: they are encoded once, where they are
 * made, so that whatever cannot be is the producer's fault, and none is lost between threads.
 */

import type { ActorRef, ReplyError } from "#runtime";

/** Chunks of a stream that may be under way: sent, and not yet taken by the client's socket. */
export const streamWindow = 64;

/**
 * The same in characters of their JSON, so that large chunks do not fill the memory: with so many
 * under way no further chunk is taken, however few chunks they are.
 */
export const streamWindowChars = 1_048_576;

/** The messages of a producer. */
export const grantMessage = "troupe:grant";
export const stopMessage = "troupe:stop";

/** The message of a consumer. */
export const streamedMessage = "streamed";

/** Where a stream is to go. `id` is the consumer's own number for it. */
export interface StreamOpening {
  readonly consumer: ActorRef;
  readonly id: number;
  readonly window: number;
}

/** How a stream ended. */
export type StreamEnd =
  | {
      readonly ok: true;
      /** JSON text of the last result; null where there is none. */
      readonly last: string | null;
    }
  | {
      readonly ok: false;
      readonly code: string;
      /** For the client. */
      readonly message: string;
      /** For the log, which has it already, and `detailError`; null where nothing is hidden. */
      readonly detail: string | null;
      /** When the client may come back, ms. */
      readonly retryAfterMs?: number;
    };

/** The end of a stream that failed with an error which its client may be told. */
export function encodeStreamFailure({ code, message, retryAfterMs }: ReplyError): StreamEnd {
  const end = { ok: false, code, message, detail: null } as const;
  return retryAfterMs === undefined ? end : { ...end, retryAfterMs };
}

/** The arguments of `streamed`. `producer` is given in the first message of a stream. */
export type Streamed = readonly [
  id: number,
  chunks: readonly string[],
  end: StreamEnd | null,
  producer: ActorRef | null,
];
