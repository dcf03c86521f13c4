import type { Clock } from "../core/index.ts";

/** A second signal sooner than this is the same one: npm and terminals deliver it twice. */
const echoMs = 500;

/**
 * Obeys SIGTERM and SIGINT: the first one runs `stop` and exits with 0 when it is done (1 when it
 * failed), a second one exits at once with 128 + its number.
 */
export function stopOnSignals(clock: Clock, stop: (signal: string) => Promise<void>): void {
  let firstAt: number | null = null;
  const onSignal = (signal: "SIGTERM" | "SIGINT"): void => {
    if (firstAt === null) {
      firstAt = clock.now();
      stop(signal).then(
        () => process.exit(0),
        () => process.exit(1),
      );
    } else if (clock.now() - firstAt > echoMs) {
      process.exit(signal === "SIGINT" ? 130 : 143);
    }
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}
