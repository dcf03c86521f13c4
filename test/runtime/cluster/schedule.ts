import { type Random, seededRandom } from "../../../runtime/core/index.ts";

/** What one node sends to an actor of another. */
export interface Sending {
  readonly type: "send";
  readonly what: "tell" | "ask" | "slow_ask" | "brief_ask" | "watch" | "burst";
  readonly from: number;
  readonly to: number;
  /** The actor that is meant: the present one; the last one that was known; the very first one. */
  readonly whom: "present" | "last" | "first";
}

/** Something that is done with the nodes of a schedule, which go by their numbers. */
export type Act =
  | Sending
  | { readonly type: "kill_actor" | "crash"; readonly node: number; readonly forMs: number }
  | {
      readonly type: "cut" | "hold" | "slow";
      readonly from: number;
      readonly to: number;
      readonly bothWays: boolean;
      readonly forMs: number;
    }
  | { readonly type: "drop" | "tear"; readonly from: number; readonly to: number };

/** When something is done, ms after the beginning. */
export interface Step {
  readonly atMs: number;
  readonly act: Act;
}

/** What a seed means: how many nodes there are, and what happens to them. */
export interface Schedule {
  readonly seed: number;
  readonly nodes: number;
  /** In the order of time. */
  readonly steps: readonly Step[];
}

/** Faults begin within so much time; all of them are healed after it. */
export const scheduleMs = 8_000;

/** The same schedule for the same seed. */
export function makeSchedule(seed: number): Schedule {
  const random = seededRandom(seed);
  const nodes = 2 + below(random, 3);
  const faults = 1 + below(random, 6);
  const messages = 30 + below(random, 40);
  const steps = [
    ...Array.from({ length: faults }, () => stepOf(random, () => makeFault(random, nodes))),
    ...Array.from({ length: messages }, () => stepOf(random, () => makeMessage(random, nodes))),
  ];
  return { seed, nodes, steps: steps.sort((one, other) => one.atMs - other.atMs) };
}

/** A line for each step. */
export function describeSchedule({ nodes, steps }: Schedule): string {
  const lines = steps.map(({ atMs, act }) => `${atMs.toFixed(1)} ${JSON.stringify(act)}`);
  return [`${nodes} nodes`, ...lines].join("\n");
}

function stepOf(random: Random, make: () => Act): Step {
  return { atMs: random() * scheduleMs, act: make() };
}

function makeFault(random: Random, nodes: number): Act {
  const [from, to] = makePair(random, nodes);
  const forMs = 50 + random() ** 2 * 6_000;
  const type = choose(random, ["cut", "cut", "hold", "slow", "drop", "tear", "crash"] as const);
  switch (type) {
    case "crash":
      return { type, node: from, forMs };
    case "drop":
    case "tear":
      return { type, from, to };
    default:
      return { type, from, to, bothWays: random() < 0.5, forMs };
  }
}

function makeMessage(random: Random, nodes: number): Act {
  const [from, to] = makePair(random, nodes);
  if (random() < 0.08) return { type: "kill_actor", node: to, forMs: 50 + random() * 500 };
  const what = choose(random, [
    ...(["tell", "tell", "ask", "ask", "slow_ask", "slow_ask"] as const),
    ...(["brief_ask", "watch", "burst"] as const),
  ]);
  const whom = choose(random, ["present", "present", "last", "last", "first"] as const);
  return { type: "send", what, from, to, whom };
}

function makePair(random: Random, nodes: number): [number, number] {
  const from = below(random, nodes);
  return [from, (from + 1 + below(random, nodes - 1)) % nodes];
}

function choose<T>(random: Random, choices: readonly T[]): T {
  return choices[below(random, choices.length)] as T;
}

function below(random: Random, bound: number): number {
  return Math.floor(random() * bound);
}
