import Type from "typebox";
import { defineService, type ServiceDefinition } from "../service/index.ts";
import { pause } from "./pause.ts";

const views = new Map<string, number>();
let fetches = 0;

const name = Type.String({ minLength: 1, maxLength: 64 });

/** Response types that are no streams, work that takes its time, and what keeps it in bounds. */
const service: ServiceDefinition = defineService("reports_service", {
  // The reply is all that the client gets; it does not wait for the function.
  view: {
    args: Type.Object({ name }),
    responseType: "none",
    handler({ name }) {
      if (views.size > 1_000) views.clear();
      views.set(name, (views.get(name) ?? 0) + 1);
    },
  },
  views: () => Object.fromEntries(views),
  // Acknowledged at once, answered later; the client may go on meanwhile.
  build: {
    args: Type.Object({ name }),
    responseType: "async",
    timeout: 10_000,
    async handler({ name }, { signal }) {
      await pause(300, signal);
      return { name, pages: name.length };
    },
  },
  // Keeps a core busy: on a thread of the pool, where nobody else has to wait for it.
  count_primes: {
    args: Type.Object({ below: Type.Integer({ minimum: 0, maximum: 20_000_000 }) }),
    responseType: "async",
    cpu: true,
    timeout: 30_000,
    handler: ({ below }) => countPrimes(below),
  },
  // A bulkhead: two at once on this node, four more wait, the next one is told `queue_full`.
  print: {
    args: Type.Object({ name }),
    maxConcurrent: 2,
    maxQueue: 4,
    async handler({ name }, { signal }) {
      await pause(200, signal);
      return `${name} is printed`;
    },
  },
  // Fails one time in three; the retry makes up for it, and being made twice does no harm.
  fetch: {
    retry: { allNodes: 2 },
    idempotent: true,
    handler() {
      fetches += 1;
      if (fetches % 3 === 1) throw new Error("the source did not answer");
      return { fetches };
    },
  },
});

export default service;

function countPrimes(below: number): number {
  const isComposite = new Uint8Array(below);
  let count = 0;
  for (let number = 2; number < below; number++) {
    if (isComposite[number] === 1) continue;
    count += 1;
    for (let multiple = number * number; multiple < below; multiple += number) {
      isComposite[multiple] = 1;
    }
  }
  return count;
}
