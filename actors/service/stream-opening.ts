import { type CurrentMessage, ReplyError } from "#runtime";
import type { CallInfo, StreamOpening } from "../request/index.ts";
import {
  isStreamSource,
  type OutgoingStream,
  type OutgoingStreams,
  type StreamLabel,
} from "../streams/index.ts";

/** A call that opens a stream. */
export interface StreamCall {
  readonly opening: StreamOpening;
  readonly label: StreamLabel;
  /** The ask at hand; its deadline is that of the opening alone. */
  readonly message: CurrentMessage | null;
  /** Whether the function has the stream's handle, and need not return anything to iterate. */
  readonly hasHandle: boolean;
  /** Calls the function. */
  readonly start: (stream: OutgoingStream) => unknown;
}

/**
 * Opens a stream: the function has been called, and what it returned is iterated from now on. Then
 * the message is answered; what is still to come is no part of it.
 * @throws what the function threw, and an Error when what it returned cannot be iterated.
 */
export async function openStream(streams: OutgoingStreams, call: StreamCall): Promise<void> {
  const { opening, label, message, hasHandle } = call;
  const asked = message?.signal;
  const stream = await streams.open(opening, label);
  const giveUp = (): void => stream.stop();
  if (asked?.aborted) giveUp();
  asked?.addEventListener("abort", giveUp, { once: true });
  try {
    const returned = call.start(stream);
    // One with the handle may go on for as long as the stream: its promise is not waited for.
    const goesOn = hasHandle && returned instanceof Promise;
    const source = goesOn ? undefined : await returned;
    if (!hasHandle && !isStreamSource(source)) {
      throw new TypeError(`${label.function} is a stream, and what it returned is no iterable`);
    }
    if (!stream.announce()) throw new ReplyError("queue_full", "the way to the client is full");
    const pump = (from: unknown): void => {
      if (isStreamSource(from)) streams.pump(stream, from, label);
    };
    if (goesOn) returned.then(pump, (error) => stream.fail(error));
    else pump(source);
  } catch (error) {
    stream.stop();
    throw error;
  } finally {
    asked?.removeEventListener("abort", giveUp);
  }
}

/** The info that a function is shown: where its chunks go is not its concern. */
export function withoutOpening({ requestId, userId, userRoles, deviceId }: CallInfo): CallInfo {
  return { requestId, userId, userRoles, deviceId };
}
