import type { ActorContext } from "#runtime";
import type { FunctionTarget } from "../registry/index.ts";
import type { Replica, ReplicaSelector } from "../replicas/index.ts";
import { breakerTarget, type Call } from "./call.ts";
import { type AttemptEnd, type CallFailure, cancelled, unavailable } from "./call-failure.ts";
import { INTERRUPTED, type Interruption } from "./interruption.ts";
import type { ThreadCalls } from "./thread-calls.ts";

/** The replica to ask, or why there is none. */
export type Chosen =
  | { readonly ok: true; readonly replica: Replica }
  | { readonly ok: false; readonly end: AttemptEnd; readonly failure: CallFailure };

/** What the configuration's own code gave, or why it gave nothing. */
type Told<Value> = { readonly ok: true; readonly value: Value } | (Chosen & { readonly ok: false });

/**
 * The way of one call from replica to replica. A round asks each at most once; the first of a round
 * is chosen as the function's `chooseNodeMode` says, the others among those that are left.
 */
export class Route {
  readonly #shared: ThreadCalls;
  readonly #selector: ReplicaSelector;
  readonly #call: Call;
  readonly #context: ActorContext;
  readonly #interruption: Interruption;
  /** Of this round, by key. */
  readonly #asked = new Set<string>();
  /** Targets whose breaker refused the call in this round. */
  readonly #refused = new Set<string>();
  /** What the resolver gave; it is asked once for each call. */
  #nodes: readonly string[] | null = null;
  /** The only node to go on with. */
  #node: string | null = null;
  #again: Replica | null = null;

  constructor(context: ActorContext, shared: ThreadCalls, call: Call, interruption: Interruption) {
    this.#context = context;
    this.#shared = shared;
    this.#selector = shared.selectorOf(call.callable);
    this.#call = call;
    this.#interruption = interruption;
  }

  /** Whether there is a replica that this round has not asked and may ask. */
  get hasOther(): boolean {
    return this.#others(this.#candidates()).length > 0;
  }

  noteAsked(replica: Replica): void {
    this.#asked.add(replica.key);
  }

  noteRefused(target: string): void {
    this.#refused.add(target);
  }

  /** From now on only replicas of that node. */
  stayOn(node: string): void {
    this.#node = node;
  }

  /** The next choice is that replica once more, if it is still there. */
  repeat(replica: Replica): void {
    this.#again = replica;
  }

  /** Everybody may be asked again. */
  beginRound(): void {
    this.#asked.clear();
    this.#refused.clear();
  }

  /** Chooses the replica to ask next; code of the configuration gets `leftMs` at most. */
  async choose(leftMs: number): Promise<Chosen> {
    const resolved = await this.#resolveNodes(leftMs);
    if (!resolved.ok) return resolved;
    const candidates = this.#candidates();
    const again = this.#again;
    this.#again = null;
    if (again !== null && candidates.includes(again)) return { ok: true, replica: again };
    if (this.#asked.size === 0 && this.#refused.size === 0) {
      const { strategy } = this.#selector;
      if (strategy !== null && candidates.length > 0) {
        return this.#askStrategy(strategy, candidates, leftMs);
      }
      return this.#toChosen(this.#selector.first(candidates, this.#call));
    }
    return this.#toChosen(this.#selector.next(this.#others(candidates), this.#call));
  }

  #candidates(): readonly Replica[] {
    const all = this.#shared.replicas.find(this.#call.callable);
    const candidates = this.#selector.narrow(all, this.#nodes);
    const node = this.#node;
    return node === null ? candidates : candidates.filter((replica) => replica.node === node);
  }

  #others(candidates: readonly Replica[]): readonly Replica[] {
    return candidates.filter(
      (replica) =>
        !this.#asked.has(replica.key) &&
        !this.#refused.has(breakerTarget(this.#call.callable, replica)),
    );
  }

  async #resolveNodes(leftMs: number): Promise<Told<null>> {
    const { resolver } = this.#selector;
    if (resolver === null || this.#nodes !== null) return { ok: true, value: null };
    const told = await this.#ask(resolver, [], leftMs);
    if (!told.ok) return told;
    if (!isNameList(told.value)) return this.#nonsense(resolver, "expected a list of node names");
    this.#nodes = told.value;
    return { ok: true, value: null };
  }

  async #askStrategy(
    strategy: FunctionTarget,
    candidates: readonly Replica[],
    leftMs: number,
  ): Promise<Chosen> {
    const names = Object.freeze(candidates.map(({ key }) => key));
    const told = await this.#ask(strategy, [names], leftMs);
    if (!told.ok) return told;
    const replica = candidates.find(({ key }) => key === told.value);
    if (replica === undefined) return this.#nonsense(strategy, "expected one of the names given");
    return { ok: true, replica };
  }

  async #ask(
    target: FunctionTarget,
    args: readonly unknown[],
    leftMs: number,
  ): Promise<Told<unknown>> {
    const { request, info, callable } = this.#call;
    const seen = Object.freeze({
      ...request,
      args: Object.freeze({ ...request.args }),
      deviceId: info.deviceId,
      userId: info.userId,
      userRoles: Object.freeze([...info.userRoles]),
    });
    const timeoutMs = Math.min(callable.config.hookTimeout, leftMs);
    const outcome = await this.#interruption.wait(
      this.#shared.functions.call(target, [...args, seen], timeoutMs),
    );
    if (outcome === INTERRUPTED) {
      return { ok: false, end: "cancelled", failure: cancelled(callable.requestType) };
    }
    return outcome.ok ? outcome : this.#nonsense(target, outcome.reason);
  }

  #nonsense({ module, function: name }: FunctionTarget, reason: string): Chosen & { ok: false } {
    const { callable, info } = this.#call;
    const { service, requestType } = callable;
    this.#context.log("error", "no replica chosen", {
      function: `${service}.${requestType}`,
      requestId: info.requestId,
      asked: `${name} of ${module}`,
      error: reason,
    });
    return { ok: false, end: "misdirected", failure: unavailable(service) };
  }

  #toChosen(replica: Replica | undefined): Chosen {
    if (replica !== undefined) return { ok: true, replica };
    return { ok: false, end: "no_replica", failure: unavailable(this.#call.callable.service) };
  }
}

function isNameList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}
