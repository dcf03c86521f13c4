import { systemClock } from "#runtime";

/** Resolves after `durationMs`, or as soon as `signal` is aborted. */
export function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = systemClock.after(durationMs, done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
