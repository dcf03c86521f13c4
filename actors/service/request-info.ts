import { ReplyError } from "#runtime";
import type { CallInfo } from "../request/index.ts";
import type { OutgoingStream } from "../streams/index.ts";

/** The hold on a stream for a function that does not iterate: it sends whenever it has something. */
export interface StreamHandle {
  /**
   * Sends a chunk. Resolves when there is room for the next one: wait for it, or the stream fails
   * when 10,000 chunks wait. Rejects with `cancelled` once nobody takes the stream any more; a
   * rejection that is not waited for harms nobody.
   */
  send(chunk: unknown): Promise<void>;
  /** The stream is complete; `last` is the result of its final Response. */
  end(last?: unknown): void;
  /** Ends it as a throw would: a ServiceError reaches the client, anything else is `internal`. */
  fail(error: unknown): void;
}

/** The last argument of a function with `requestInfo: true`, behind its context. */
export interface RequestInfo {
  readonly request_id: string;
  readonly user_id: string | null;
  readonly device_id: string | null;
  /** Only for a stream. */
  readonly stream?: StreamHandle;
}

/** What a function with `requestInfo: true` is told. */
export function encodeRequestInfo(info: CallInfo, stream: OutgoingStream | null): RequestInfo {
  const { requestId: request_id, userId: user_id, deviceId: device_id } = info;
  const told = { request_id, user_id, device_id };
  return stream === null ? told : { ...told, stream: handleOf(stream) };
}

function handleOf(stream: OutgoingStream): StreamHandle {
  return {
    send(chunk) {
      const sent = sendChunk(stream, chunk);
      sent.catch(() => {});
      return sent;
    },
    end: (last) => stream.end(last),
    fail: (error) => stream.fail(error),
  };
}

async function sendChunk(stream: OutgoingStream, chunk: unknown): Promise<void> {
  stream.push(chunk);
  if (!stream.isEnding) await stream.room();
  if (stream.isEnding) throw new ReplyError("cancelled", "the stream has ended");
}
