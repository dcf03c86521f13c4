import type { ManualClock } from "#runtime/testing";

/** Lets time pass, from one due time to the next, until the promise is settled. */
export async function runOn<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    if (isSettled) return promise;
    const dueInMs = clock.nextDueInMs;
    if (dueInMs === undefined) throw new Error("nothing is due and the promise is pending");
    clock.advance(dueInMs);
  }
}
