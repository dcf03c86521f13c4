import { performance } from "node:perf_hooks";

/** Keeps `inFlight` calls under way for about `durationMs`; how many were answered. */
export async function keepInFlight(
  inFlight: number,
  durationMs: number,
  call: () => Promise<unknown>,
): Promise<number> {
  const endsAt = performance.now() + durationMs;
  let answered = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      await call();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return answered;
}
