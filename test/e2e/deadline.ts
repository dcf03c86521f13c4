import { setTimeout as pause } from "node:timers/promises";

/** Long enough for a machine that is busy with other things; only what hangs takes so long. */
const defaultMs = 60_000;
/** Between two looks: who is looked at has work to do, and often no processor of its own. */
const lookAgainMs = 10;

/** What `promise` comes to; rejects when it has come to nothing after `limitMs`. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  limitMs: number = defaultMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${what}`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Repeats `look` until it finds what it wants, for states that nobody tells of; rejects after
 * `limitMs` with what it saw last.
 */
export async function eventually<T>(
  look: () => Promise<T>,
  isWanted: (seen: T) => boolean,
  what: string,
  limitMs: number = defaultMs,
): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const seen = await within(look(), what, limitMs);
    if (isWanted(seen)) return seen;
    if (performance.now() > giveUpAt) {
      throw new Error(`not within ${limitMs} ms: ${what}; last seen: ${JSON.stringify(seen)}`);
    }
    await pause(lookAgainMs);
  }
}
