import type { Clock } from "#runtime";
import type { OutgoingStream } from "./outgoing-stream.ts";

/** What a stream's chunks can come from: a generator, or anything else that can be iterated. */
export type StreamSource = AsyncIterable<unknown> | Iterable<unknown>;

type Steps = AsyncIterator<unknown, unknown> | Iterator<unknown, unknown>;

/** Time that a generator has to end once its signal is aborted and it was told to return. */
export const closeGraceMs = 1_000;

/** Whether chunks can be taken from a value; a string is one value, not a stream of letters. */
export function isStreamSource(value: unknown): value is StreamSource {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value || Symbol.iterator in value;
}

/**
 * Takes chunks from `source` as long as `stream` has room for them, one after the other, until either
 * ends; what a generator returns, other than undefined, is the last result. A source whose stream is
 * ended for it is told to return; resolves when it has, or when it has not within
 * {@link closeGraceMs}, which `onLeft` is told. Never rejects.
 */
export async function pumpStream(
  stream: OutgoingStream,
  source: StreamSource,
  clock: Clock,
  onLeft: () => void,
): Promise<void> {
  let steps: Steps;
  try {
    steps = openSteps(source);
  } catch (error) {
    stream.fail(error);
    return;
  }
  const stopped = new Promise<{ readonly closed: Promise<void> }>((resolve) => {
    const close = (): void => resolve({ closed: closeSteps(steps) });
    if (stream.isEnding) close();
    else stream.onStopped = close;
  });
  const taken = takeChunks(stream, steps);
  const closing = await Promise.race([taken, stopped]);
  if (closing !== undefined) {
    await within(closeGraceMs, Promise.all([taken, closing.closed]), clock, onLeft);
  }
}

function openSteps(source: StreamSource): Steps {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return source[Symbol.iterator]();
}

async function takeChunks(stream: OutgoingStream, steps: Steps): Promise<void> {
  try {
    while (!stream.isEnding) {
      if (!stream.hasRoom) {
        await stream.room();
        continue;
      }
      const { done, value } = await steps.next();
      if (done === true) {
        stream.end(value);
        return;
      }
      stream.push(value instanceof Promise ? await value : value);
    }
  } catch (error) {
    stream.fail(error);
  }
}

/** What goes wrong in the end of a generator that nobody listens to is nobody's concern. */
async function closeSteps(steps: Steps): Promise<void> {
  try {
    await steps.return?.();
  } catch {
    // It was told to end, and so it has.
  }
}

function within(
  limitMs: number,
  done: Promise<unknown>,
  clock: Clock,
  onLeft: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(limitMs, () => {
      onLeft();
      resolve();
    });
    void done.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
