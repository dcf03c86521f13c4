import Bottleneck from "bottleneck";
import { Actor, type ActorRef, ReplyError, type Signal, toErrorRecord } from "#runtime";
import { decideWait } from "./exchange-options.ts";
import { OfferBook } from "./offer-book.ts";
import { selectVersions } from "./offers.ts";
import { type Receiver, receiverName, type Sender } from "./receiver.ts";
import type { PushStatus, Verification } from "./status.ts";

/** The registered name of the {@link Pusher}. */
export const pusherName = "pusher";

/** What the pusher is given. */
export interface PusherOptions {
  readonly token: string | null;
  /** For each answer, ms. */
  readonly timeoutMs: number;
}

/** How far this node's services are known on another one. */
interface Target {
  readonly node: string;
  state: PushStatus["state"];
  /** What was refused, by service; under the empty name why nothing could be said. */
  readonly faults: Map<string, readonly string[]>;
  syncedAt: number | null;
  receiver: ActorRef<Receiver> | null;
  failures: number;
  /** Told apart from the turns that were set before. */
  turn: number;
  isBusy: boolean;
  /** Something has changed while it was busy. */
  isStale: boolean;
}

/** What changes in one moment is pushed together, ms. */
const settleMs = 20;
/** The first wait for a node that has no receiver yet, or does not answer, ms. */
const retryMs = 100;
const maxRetryMs = 10_000;
/** Nodes that are told at once. */
const maxConcurrent = 8;

/**
 * Tells the other nodes what this one offers: when it starts, on every change, when a node comes up,
 * and when the receiver of one was started anew. A node hears the versions of all services first,
 * and is sent what it does not know. Each is told for as long as it takes.
 */
export class Pusher extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #options: PusherOptions;
  readonly #targets = new Map<string, Target>();
  readonly #book = new OfferBook(this.context, () => this.#changed());
  readonly #pace = new Bottleneck({ maxConcurrent });
  #waiting: { readonly resolve: () => void }[] = [];
  #isPending = false;
  #unfollow: () => void = () => {};

  constructor(options: PusherOptions) {
    super();
    this.#options = options;
  }

  protected override init(): void {
    const { nodes } = this.context;
    this.#unfollow = nodes.onChange(({ type, node }) => {
      if (node.isSelf) return;
      if (type === "node_up") this.#begin(node.name);
      else if (type === "node_down") this.#end(node.name);
    });
    for (const node of nodes.list()) if (!node.isSelf) this.#begin(node.name);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated") return;
    for (const target of this.#targets.values()) {
      if (!target.receiver?.equals(signal.ref)) continue;
      target.receiver = null;
      this.#schedule(target, settleMs);
    }
  }

  protected override terminate(): void {
    this.#unfollow();
    this.#book.close();
    for (const node of [...this.#targets.keys()]) this.#end(node);
  }

  /** How far the pushes have got, by node. */
  status(): PushStatus[] {
    return [...this.#targets.values()]
      .map(({ node, state, faults, syncedAt }) => {
        const all = [...faults.values()].flat();
        return { node, state, faults: all, syncedAt };
      })
      .sort((one, other) => (one.node < other.node ? -1 : 1));
  }

  /**
   * Pushes everything anew, to all nodes or the one named, also what they know already. Resolves
   * with what became of it. @throws ReplyError `no_node`.
   */
  async push(node?: string): Promise<PushStatus[]> {
    const targets = [...this.#targets.values()].filter((one) => (node ?? one.node) === one.node);
    if (node !== undefined && targets.length === 0) {
      throw new ReplyError("no_node", `there is no node ${node}`);
    }
    await Promise.all(targets.map((target) => this.#sync(target, true)));
    return this.status();
  }

  /** Whether a node knows a service as it is here. @throws ReplyError `no_service`, `unavailable`. */
  async verify(node: string, service: string): Promise<Verification> {
    const offer = this.#book.offers.get(service);
    if (offer === undefined) throw new ReplyError("no_service", `${service} is not offered here`);
    const receiver = this.#find(node);
    if (receiver === null) throw new ReplyError("unavailable", `${node} has no ${receiverName}`);
    return await receiver
      .askWith({ timeoutMs: this.#options.timeoutMs })
      .verify(service, offer.version, this.#selfName());
  }

  /** Resolves when all nodes that are up have been told all; at once when there is none. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ resolve });
      this.#settle();
    });
  }

  #begin(node: string): void {
    const target: Target = {
      ...{ node, state: "waiting", faults: new Map(), syncedAt: null, receiver: null },
      ...{ failures: 0, turn: 0, isBusy: false, isStale: false },
    };
    this.#targets.set(node, target);
    this.#schedule(target, settleMs);
  }

  #end(node: string): void {
    const target = this.#targets.get(node);
    if (target === undefined) return;
    this.#targets.delete(node);
    target.turn += 1;
    if (target.receiver !== null) this.context.unwatch(target.receiver);
    this.#settle();
  }

  #changed(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    this.context.after(settleMs, () => {
      this.#isPending = false;
      for (const target of this.#targets.values()) this.#schedule(target, 0);
    });
  }

  #schedule(target: Target, delayMs: number): void {
    target.state = "waiting";
    target.turn += 1;
    const { turn } = target;
    this.context.after(delayMs, () => {
      if (target.turn === turn) void this.#sync(target, false);
    });
  }

  async #sync(target: Target, force: boolean): Promise<void> {
    if (target.isBusy) {
      target.isStale = true;
      return;
    }
    target.isBusy = true;
    target.turn += 1;
    try {
      await this.#pace.schedule(() => this.#tell(target, force));
      target.failures = 0;
      target.faults.delete("");
      target.state = target.faults.size > 0 ? "refused" : "synced";
      target.syncedAt = this.context.clock.wallTime();
    } catch (error) {
      const { message, code } = toErrorRecord(error);
      target.faults.set("", [message]);
      target.failures += 1;
      if (code === "permission_denied") {
        target.state = "refused";
        const fields = { node: target.node, error: message };
        if (target.failures === 1) this.context.log("error", "services not taken", fields);
      }
    } finally {
      target.isBusy = false;
    }
    if (this.#targets.get(target.node) !== target) return;
    if (target.isStale) {
      target.isStale = false;
      this.#schedule(target, 0);
    } else if (target.failures > 0) this.#again(target);
    this.#settle();
  }

  /** A refusal stands until somebody changes the token, there or here, which starts a node anew. */
  #again(target: Target): void {
    const { state, failures } = target;
    this.#schedule(target, decideWait(failures - 1, retryMs, maxRetryMs));
    target.state = state;
  }

  async #tell(target: Target, force: boolean): Promise<void> {
    const { node, faults } = target;
    const receiver = this.#follow(target);
    if (receiver === null) throw new ReplyError("unavailable", `${node} has no ${receiverName}`);
    const { offers } = this.#book;
    const sender: Sender = { node: this.#selfName(), token: this.#options.token, source: "push" };
    const ask = receiver.askWith({ timeoutMs: this.#options.timeoutMs });
    const unknown = await ask.announce(sender, selectVersions(offers));
    for (const service of faults.keys()) if (!offers.has(service)) faults.delete(service);
    for (const service of force ? offers.keys() : unknown) {
      const offer = offers.get(service);
      if (offer === undefined) continue;
      const answer = await ask.push(sender, offer, force);
      if (answer.outcome !== "refused") faults.delete(service);
      else {
        faults.set(service, answer.faults);
        const fields = { node, service, faults: answer.faults.slice(0, 10) };
        this.context.log("error", "service refused", fields);
      }
    }
  }

  /** The node's receiver, watched: one that is started anew may have forgotten. */
  #follow(target: Target): ActorRef<Receiver> | null {
    const receiver = this.#find(target.node);
    if (receiver === null || target.receiver?.equals(receiver)) return receiver;
    if (target.receiver !== null) this.context.unwatch(target.receiver);
    target.receiver = receiver;
    this.context.watch(receiver);
    return receiver;
  }

  #find(node: string): ActorRef<Receiver> | null {
    return (this.context.whereis(receiverName, node) as ActorRef<Receiver> | undefined) ?? null;
  }

  #selfName(): string {
    return this.context.nodes.self?.name ?? "";
  }

  #settle(): void {
    if ([...this.#targets.values()].some(({ state }) => state === "waiting")) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { resolve } of waiting) resolve();
  }
}
