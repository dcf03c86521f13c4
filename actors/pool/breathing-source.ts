import type { Clock } from "#runtime";
import type { StreamSource } from "../streams/index.ts";

/** Time after which a generator that never waits lets others have the thread, ms. */
const BREATH_MS = 5;

/**
 * The same chunks, but every few ms the thread gets a turn of its event loop: a generator that
 * computes and never waits would keep its own chunks, grants and its stop from being heard.
 */
export function breathingSource(source: StreamSource, clock: Clock): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator](): AsyncIterator<unknown> {
      const steps =
        Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
      let lastBreathAt = clock.now();
      return {
        async next() {
          if (clock.now() - lastBreathAt >= BREATH_MS) {
            await new Promise(setImmediate);
            lastBreathAt = clock.now();
          }
          return steps.next();
        },
        async return(value?: unknown) {
          return (await steps.return?.(value)) ?? { done: true, value };
        },
      };
    },
  };
}
