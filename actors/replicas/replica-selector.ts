import type { Clock, Random } from "#runtime";
import type { ChooseNodeMode, FunctionTarget, Nodes } from "../registry/index.ts";
import type { CallInfo, Request } from "../request/index.ts";
import type { NodeNames } from "./node-names.ts";
import type { Replica } from "./replica.ts";
import { selectByHash, selectLeastLoaded, selectNearest, selectRandom } from "./replica-choice.ts";
import { selectOnNodes } from "./replica-directory.ts";
import { selectKey } from "./selection-key.ts";
import { StickyReplicas } from "./sticky-replicas.ts";
import { hashText } from "./text-hash.ts";

/** What a choice may depend on. */
export interface SelectionCall {
  readonly request: Request;
  readonly info: CallInfo;
}

/** The part of a function that decides who runs it. */
export interface SelectionRules {
  readonly group: string;
  readonly config: { readonly nodes: Nodes; readonly chooseNodeMode: ChooseNodeMode };
}

/** What the choices of one thread go by, and what they share. */
export class SelectionScope {
  readonly thread: number;
  readonly random: Random;
  readonly sticky: StickyReplicas;
  readonly names: NodeNames;

  constructor(thread: number, random: Random, clock: Clock, names: NodeNames) {
    this.thread = thread;
    this.random = random;
    this.sticky = new StickyReplicas(clock);
    this.names = names;
  }
}

type Choose = (replicas: readonly Replica[], call: SelectionCall) => Replica | undefined;

/**
 * The selection of one function on one thread. What runs the configuration's own code it leaves to
 * its caller: `resolver` gives the node names to pass to `narrow`, `strategy` the replica.
 */
export class ReplicaSelector {
  /** Names the nodes of each call; null: the configuration does. */
  readonly resolver: FunctionTarget | null;
  /** Chooses the replica of each call; null: `first` does. */
  readonly strategy: FunctionTarget | null;
  /** The replica to begin with; undefined when the list is empty. */
  readonly first: Choose;
  /** One of those that the call has not been sent to. */
  readonly next: Choose;
  readonly #scope: SelectionScope;
  readonly #nodes: readonly string[] | { readonly role: string } | null;
  #all: readonly Replica[] = [];
  #names: readonly string[] = [];
  #narrowed: readonly Replica[] = [];

  constructor({ group, config }: SelectionRules, scope: SelectionScope) {
    const { nodes, chooseNodeMode: mode } = config;
    this.#scope = scope;
    this.resolver = isTarget(nodes) ? nodes : null;
    this.#nodes = nodes === "local" || isTarget(nodes) ? null : nodes;
    this.strategy = typeof mode === "object" && "module" in mode ? mode : null;
    // Who names nodes wants them all to work, and not the nearest one alone.
    const { thread, random } = scope;
    const any: Choose =
      nodes === "local"
        ? (all) => selectNearest(all, thread, random)
        : (all) => selectRandom(all, random);
    this.first = chooseFirst(mode, group, scope, any);
    // A choice of its own, so that what is passed on takes nobody's turn.
    this.next = chooseFirst(decideNextMode(mode), group, scope, any);
  }

  /** The replicas on the nodes that the configuration names, or `resolved` did. */
  narrow(replicas: readonly Replica[], resolved: readonly string[] | null): readonly Replica[] {
    const { names } = this.#scope;
    if (resolved !== null) return selectOnNodes(replicas, resolved, names.own());
    const nodes = this.#nodes;
    if (nodes === null) return replicas;
    const wanted = "role" in nodes ? names.ofRole(nodes.role) : nodes;
    if (this.#all !== replicas || this.#names !== wanted) {
      this.#all = replicas;
      this.#names = wanted;
      this.#narrowed = selectOnNodes(replicas, wanted, names.own());
    }
    return this.#narrowed;
  }
}

/** Whoever is next must not become the sticky one: the first may only be busy. */
function decideNextMode(mode: ChooseNodeMode): ChooseNodeMode {
  return typeof mode === "object" && "sticky" in mode ? { hash: mode.sticky } : mode;
}

function chooseFirst(
  mode: ChooseNodeMode,
  group: string,
  { thread, random, sticky }: SelectionScope,
  any: Choose,
): Choose {
  if (mode === "least_loaded") return (all) => selectLeastLoaded(all, thread, random);
  if (mode === "round_robin") return roundRobin(random);
  if (mode === "hash") return (all, { request }) => selectByHash(all, hashText(request.requestId));
  if (typeof mode === "string" || "module" in mode) return any;
  if ("hash" in mode) {
    return (all, { request, info }) => {
      // Requests without a key have nothing in common that would have to bring them together.
      const key = selectKey(request, info, mode.hash) ?? request.requestId;
      return selectByHash(all, hashText(key));
    };
  }
  return (all, call) => {
    const key = selectKey(call.request, call.info, mode.sticky);
    return key === null ? any(all, call) : sticky.select(all, group, key);
  };
}

/** In turn; the threads begin at random, so that they do not all go the same round at once. */
function roundRobin(random: Random): Choose {
  let turn = Math.floor(random() * 0x1_0000);
  return (replicas) => {
    turn = (turn + 1) % Number.MAX_SAFE_INTEGER;
    return replicas[turn % replicas.length];
  };
}

function isTarget(nodes: Nodes): nodes is FunctionTarget {
  return typeof nodes === "object" && "module" in nodes;
}
