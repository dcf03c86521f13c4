import { ManualClock, StepScheduler, type TestKernel, testKernel } from "#runtime/testing";
import {
  type ActorRef,
  type Kernel,
  type NodeInfo,
  type PendingAsk,
  pack,
  type Route,
  unpack,
} from "../../../runtime/actor/index.ts";
import { Cluster, type ClusterLinks } from "../../../runtime/cluster/cluster.ts";
import {
  type ClusterOptions,
  parseClusterOptions,
} from "../../../runtime/cluster/cluster-config.ts";
import { clusterId } from "../../../runtime/cluster/cluster-face.ts";
import { discoveriesOf } from "../../../runtime/cluster/discovery.ts";
import type { LinkListener } from "../../../runtime/cluster/node-link.ts";
import { HERE } from "../../../runtime/core/index.ts";

/** How long a dial takes, ms. */
const dialMs = 1;

/** Nodes in one process: keepers of clusters on kernels of their own, links that tests cut. */
export class FakeNetwork {
  readonly clock: ManualClock = new ManualClock();
  readonly steps: StepScheduler;
  readonly nodes: Map<string, FakeNode> = new Map();
  /** Pairs that cannot reach each other, `from to`. */
  readonly cuts: Set<string> = new Set();
  /** Pairs whose dials neither succeed nor fail. */
  readonly holes: Set<string> = new Set();
  readonly #seed: number;
  #lives = 100;

  constructor(seed = 1) {
    this.#seed = seed;
    this.steps = new StepScheduler(seed);
  }

  /** Starts a node, or starts it anew. */
  start(name: string, options: Partial<ClusterOptions> = {}): FakeNode {
    this.#lives += 1;
    const node = new FakeNode(this, { ...options, name }, this.#lives, this.#seed + this.#lives);
    this.nodes.set(name, node);
    return node;
  }

  /** The process is gone: its links break, nobody answers any more. */
  kill(name: string): void {
    const dead = this.nodes.get(name);
    this.nodes.delete(name);
    dead?.links.abandon();
    for (const node of this.nodes.values()) node.links.break(name, "connection reset");
  }

  /** Two nodes lose sight of each other. */
  cut(one: string, other: string): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.cuts.add(`${from} ${to}`);
      this.nodes.get(from)?.links.break(to, "no sign of life");
    }
  }

  heal(): void {
    this.cuts.clear();
    this.holes.clear();
  }

  /** Lets time pass, and everything happen that is due. */
  async advance(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await this.steps.settle();
    for (;;) {
      const dueInMs = this.clock.nextDueInMs;
      if (dueInMs === undefined || this.clock.now() + dueInMs > until) break;
      this.clock.advance(dueInMs);
      await this.steps.settle();
    }
    this.clock.advance(until - this.clock.now());
    await this.steps.settle();
  }
}

export class FakeNode {
  readonly name: string;
  readonly incarnation: number;
  /** Those of the configuration: a handshake knows of no others. */
  readonly roles: readonly string[];
  readonly test: TestKernel;
  readonly links: FakeLinks;
  readonly cluster: ActorRef<Cluster>;
  readonly events: string[] = [];
  /** The keeper's ears for threads. */
  readonly threadListeners: ((thread: number) => void)[] = [];
  readonly threadDownListeners: ((thread: number) => void)[] = [];

  constructor(network: FakeNetwork, options: ClusterOptions, incarnation: number, seed: number) {
    const { clock, steps } = network;
    const { name } = options;
    this.name = name;
    this.incarnation = incarnation;
    this.test = testKernel({ seed, clock, steps, incarnation, nodeName: name });
    const { kernel } = this.test;
    const config = parseClusterOptions(options);
    this.roles = config.roles;
    this.links = new FakeLinks(network, this);
    kernel.nodes.onChange((event) => {
      const role = "role" in event ? ` ${event.role}` : "";
      this.events.push(`${event.type} ${event.node.name}${role}`);
    });
    const parts = {
      ...{ kernel, config, incarnation, links: this.links },
      discoveries: discoveriesOf(config, clock, kernel.log),
      onThread: (listener: (thread: number) => void) => void this.threadListeners.push(listener),
      onThreadDown: (listener: (thread: number) => void) =>
        void this.threadDownListeners.push(listener),
    };
    this.cluster = kernel.spawnFixed(clusterId, Cluster, [parts], { mailboxCapacity: 1_000_000 });
  }

  get kernel(): Kernel {
    return this.test.kernel;
  }

  /** The names of the nodes that are up here, this one too. */
  up(): string[] {
    return this.kernel.nodes.list().map(({ name }) => name);
  }

  row(name: string): NodeInfo | undefined {
    return this.kernel.nodes.get(name);
  }

  logged(text: string): string[] {
    return this.test.logLines.filter((line) => line.includes(text));
  }
}

/** What a `ClusterThread` is to the keeper. */
export class FakeLinks implements ClusterLinks {
  readonly dials: string[] = [];
  readonly closed: string[] = [];
  /** While true, no message is taken. */
  isFull = false;
  readonly #network: FakeNetwork;
  readonly #node: FakeNode;
  readonly #links = new Map<string, FakeLink>();
  #isAbandoned = false;

  constructor(network: FakeNetwork, node: FakeNode) {
    this.#network = network;
    this.#node = node;
    const { kernel } = node;
    kernel.routes.nodes = {
      to: (name) => this.#links.get(name)?.route,
      spawner: () => Promise.reject(new Error("nobody spawns here")),
    };
    // As every thread of a node does when another one is down.
    kernel.nodes.onChange(({ type, node: { name } }) => {
      if (type === "node_down") this.drop(name, "the node is down");
    });
  }

  dial(name: string, listener: LinkListener): void {
    if (this.#links.has(name)) throw new Error(`a second dial to ${name}`);
    this.dials.push(name);
    const link: FakeLink = { listener, route: undefined };
    this.#links.set(name, link);
    this.#network.clock.after(dialMs, () => this.#answer(name, link));
  }

  drop(name: string, reason: string): void {
    this.#end(name, reason, false);
  }

  async close(reason: string): Promise<void> {
    for (const name of [...this.#links.keys()]) this.#end(name, reason, false);
    this.closed.push(reason);
    const { name } = this.#node;
    this.#network.nodes.delete(name);
    for (const node of this.#network.nodes.values()) node.links.break(name, reason, true);
  }

  /** The other side ended it, or the way there did. */
  break(name: string, reason: string, isOrderly = false): void {
    this.#end(name, reason, isOrderly);
  }

  abandon(): void {
    this.#isAbandoned = true;
    this.#links.clear();
  }

  #end(name: string, reason: string, isOrderly: boolean): void {
    const link = this.#links.get(name);
    if (link === undefined) return;
    this.#links.delete(name);
    if (link.route !== undefined) link.listener.down(reason, isOrderly);
    else link.listener.failed(reason);
  }

  #answer(name: string, link: FakeLink): void {
    const { nodes, cuts, holes } = this.#network;
    const way = `${this.#node.name} ${name}`;
    if (this.#isAbandoned || this.#links.get(name) !== link || holes.has(way)) return;
    const there = nodes.get(name);
    if (there === undefined || cuts.has(way)) {
      this.#end(name, "nobody listens there", false);
      return;
    }
    link.route = this.#routeTo(there);
    link.listener.up(identityOf(there));
    there.cluster.tell.seen(identityOf(this.#node));
  }

  /** Messages arrive at once, encoded and decoded as between processes. */
  #routeTo(there: FakeNode): Route {
    const tell = ({ thread, id, incarnation }: ActorRef, method: string, args: unknown) => {
      if (this.isFull) return false;
      const { kernel } = there;
      const target = kernel.ref({ node: HERE, thread, id, incarnation });
      const bytes = pack(args, this.#node.name);
      return kernel.send(target, method, unpack(bytes, kernel) as unknown[]);
    };
    return {
      tell,
      ask: (_target: ActorRef, _method: string, _args: unknown, _pending: PendingAsk) => {
        throw new Error("keepers do not ask");
      },
      signal: () => {},
    };
  }
}

interface FakeLink {
  readonly listener: LinkListener;
  route: Route | undefined;
}

function identityOf({ name, incarnation, roles }: FakeNode) {
  return { name, incarnation, cluster: "troupe", roles };
}
