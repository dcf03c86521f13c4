import Type from "typebox";
import { defineService, type ServiceDefinition } from "../service/index.ts";
import { pause } from "./pause.ts";

/** Streams: from a generator, by a handle, and on a thread of the pool. A client may stop each. */
const service: ServiceDefinition = defineService("feeds_service", {
  // A generator is asked for the next chunk when the client has taken those before it.
  countdown: {
    args: Type.Object({ from: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }),
    responseType: "stream",
    async *handler({ from }) {
      for (let left = from; left > 0; left--) yield left;
      return "lift-off";
    },
  },
  // The handle comes with `requestInfo`; `send` resolves when there is room for more.
  ticker: {
    args: Type.Object({ every_ms: Type.Integer({ minimum: 10, maximum: 60_000 }) }),
    responseType: "stream",
    requestInfo: true,
    async handler({ every_ms }, { signal }, request) {
      for (let tick = 1; !signal.aborted; tick++) {
        await request.stream?.send({ tick });
        await pause(every_ms, signal);
      }
    },
  },
  // Work between the chunks keeps a core busy, so it has a thread of its own.
  primes: {
    args: Type.Object({ below: Type.Integer({ minimum: 2, maximum: 10_000_000 }) }),
    responseType: "stream",
    executor: "pool",
    *handler({ below }) {
      for (let number = 2; number < below; number++) if (isPrime(number)) yield number;
    },
  },
});

export default service;

function isPrime(number: number): boolean {
  for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) return false;
  return true;
}
