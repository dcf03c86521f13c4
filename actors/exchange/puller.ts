import Bottleneck from "bottleneck";
import { Actor, type ActorRef, ReplyError, toErrorRecord } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { decideWait, type PullOptions, serviceRole } from "./exchange-options.ts";
import { type Publisher, publisherName } from "./publisher.ts";
import { type Receiver, receiverName, type Sender } from "./receiver.ts";

/** The registered name of the {@link Puller}. */
export const pullerName = "puller";

/** What the puller is given. */
export interface PullerOptions extends PullOptions {
  /** What the receiver wants to be told. */
  readonly token: string | null;
}

/** What a look at a node came to. */
export interface PullStatus {
  readonly node: string;
  /** Attempts in a row that failed. */
  readonly failures: number;
  /** Why the last one failed; null: it did not. */
  readonly error: string | null;
  /** When the node last answered, ms since 1970; null: never. */
  readonly pulledAt: number | null;
}

/** Time for a node that has come up to push what it has; then it is asked, ms. */
const arrivalMs = 1_000;
/** So many attempts in a row that fail are worth a line: a node that is being started fails some. */
const logAfter = 3;
/** Nodes that are asked at once. */
const maxConcurrent = 8;
const defaultIntervalMs = 30_000;
const defaultTimeoutMs = 5_000;

/**
 * Fetches the functions of other nodes: from each at once when it comes up, then at intervals. It
 * asks for the versions first, so that a node where nothing has changed costs one small message. A
 * node that does not answer is asked less and less often, every 300 s at least. Nobody waits for it.
 */
export class Puller extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #options: PullerOptions;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #states = new Map<string, PullStatus>();
  /** On the clock's `now`. */
  readonly #dueAt = new Map<string, number>();
  /** Many nodes may come up at once; none waits for one that does not answer. */
  readonly #pace = new Bottleneck({ maxConcurrent });
  #unfollow: () => void = () => {};

  constructor(options: PullerOptions) {
    super();
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? defaultIntervalMs;
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  }

  protected override init(): void {
    const { nodes } = this.context;
    this.#unfollow = nodes.onChange(({ type, node }) => {
      if (type === "node_up" || type === "role_added") this.#schedule(node.name, arrivalMs);
    });
    for (const { name } of nodes.list()) this.#schedule(name, arrivalMs);
  }

  protected override terminate(): void {
    this.#unfollow();
  }

  /** How the nodes have answered, by name. */
  status(): PullStatus[] {
    return [...this.#states.values()].sort((one, other) => (one.node < other.node ? -1 : 1));
  }

  /** Asks all nodes now, or the one named; resolves when they have answered or failed to. */
  async pull(node?: string): Promise<PullStatus[]> {
    const all = this.context.nodes.list().map(({ name }) => name);
    const asked = (node === undefined ? all : [node]).filter((name) => this.#isAsked(name));
    await Promise.all(asked.map((name) => this.#look(name)));
    return this.status();
  }

  /** One timer each: a node that comes back while its turn is far away is asked soon. */
  #schedule(node: string, delayMs: number): void {
    const dueAt = this.context.clock.now() + delayMs;
    this.#dueAt.set(node, dueAt);
    this.context.after(delayMs, () => {
      if (this.#dueAt.get(node) !== dueAt) return;
      this.#dueAt.delete(node);
      if (this.#isAsked(node)) void this.#look(node);
    });
  }

  #isAsked(name: string): boolean {
    const node = this.context.nodes.get(name);
    if (node === undefined || node.isSelf) return false;
    const { nodes = { role: serviceRole } } = this.#options;
    return "role" in nodes ? node.roles.includes(nodes.role) : nodes.includes(name);
  }

  #look(node: string): Promise<void> {
    return this.#pace.schedule(() => this.#lookNow(node));
  }

  /** Never rejects. */
  async #lookNow(node: string): Promise<void> {
    const startedAt = this.context.clock.now();
    if (telemetry.configPullStart.hasSubscribers) {
      telemetry.configPullStart.publish({ measurements: { count: 1 }, metadata: { node } });
    }
    const before = this.#states.get(node);
    let failures = 0;
    let error: string | null = null;
    let changed = 0;
    try {
      changed = await this.#fetchAll(node);
    } catch (cause) {
      failures = (before?.failures ?? 0) + 1;
      error = toErrorRecord(cause).message;
      if (failures === logAfter) this.context.log("warn", "functions not fetched", { node, error });
    }
    if (error === null && before !== undefined && before.failures >= logAfter) {
      this.context.log("info", "functions fetched again", { node });
    }
    const pulledAt = error === null ? this.context.clock.wallTime() : (before?.pulledAt ?? null);
    this.#states.set(node, { node, failures, error, pulledAt });
    this.#schedule(node, this.#decideWait(node, failures));
    if (!telemetry.configPullStop.hasSubscribers) return;
    const passedMs = this.context.clock.now() - startedAt;
    telemetry.configPullStop.publish({
      measurements: { duration_us: Math.round(passedMs * 1_000), count: changed },
      metadata: { node, status: error === null ? "ok" : "error", error },
    });
  }

  /** A node that is being started has no publisher yet, but soon. */
  #decideWait(node: string, failures: number): number {
    const isStarting = this.context.whereis(publisherName, node) === undefined;
    if (isStarting) return decideWait(failures, arrivalMs, this.#intervalMs);
    return decideWait(failures, this.#intervalMs);
  }

  /** Returns how many services were fetched. */
  async #fetchAll(node: string): Promise<number> {
    const publisher = this.#find<Publisher>(publisherName, node);
    const receiver = this.#find<Receiver>(receiverName);
    const sender: Sender = { node, token: this.#options.token, source: "pull" };
    const wanted = await receiver.announce(sender, await publisher.versions());
    let changed = 0;
    for (const service of wanted) {
      const offer = await publisher.fetch(service);
      if (offer === null) continue;
      await receiver.push(sender, offer);
      changed += 1;
    }
    return changed;
  }

  #find<A>(name: string, node?: string): ActorRef<A>["ask"] {
    const ref = this.context.whereis(name, node) as ActorRef<A> | undefined;
    if (ref !== undefined) return ref.askWith({ timeoutMs: this.#timeoutMs });
    throw new ReplyError("unavailable", `${node ?? "this node"} has no ${name}`);
  }
}
