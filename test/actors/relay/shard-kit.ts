import assert from "node:assert/strict";
import { Actor, type ActorContext, type ActorRef } from "#runtime";
import {
  ManualClock,
  MemoryNetwork,
  ProbeRecord,
  probeClass,
  StepScheduler,
} from "#runtime/testing";
import type { Fanout } from "../../../actors/relay/fanout.ts";
import type { Group } from "../../../actors/relay/group.ts";
import type { GroupSearch, Intent } from "../../../actors/relay/intent.ts";
import type { RelaySettings } from "../../../actors/relay/relay-settings.ts";
import { type RelayRouter, relayRouterOf } from "../../../actors/relay/router.ts";
import { RelayShard, shardPrefix } from "../../../actors/relay/shard.ts";
import { parseClusterOptions } from "../../../runtime/cluster/index.ts";
import { seededRandom, shutdownExit } from "../../../runtime/core/index.ts";
import { SimulatedNode } from "../../runtime/cluster/simulated-node.ts";
import { relaySettings } from "./group-kit.ts";

/** Creates a public group whose admin joins later. */
export const create: Intent & { type: "create" } = {
  ...({ type: "create", kind: "public" } as const),
  ...{ isDurable: false, creator: null, mustBeNew: false },
};
/** The same, as long as there is none. */
export const createNew: Intent = { ...create, mustBeNew: true };
export const find: Intent = { type: "find" };

/** A claim of a public group for what was seen of it. */
export function restore(offset: number): Intent {
  return { type: "restore", claim: { kind: "public", isDurable: false, offset } };
}

/** An actor that lends its context to code outside. */
class Lender extends Actor {
  constructor(take: (context: ActorContext) => void) {
    super();
    take(this.context);
  }
}

const heard = ["entered", "reentered", "deliver", "moved", "closed", "changed"] as const;
type Heard = Pick<Fanout, (typeof heard)[number]>;

/** A fan-out that only writes down what it is told. */
export interface FakeFanout {
  readonly ref: ActorRef<Fanout>;
  readonly record: ProbeRecord<Heard>;
}

/** One life of a gateway node, with shards on its one thread. */
export class RelayNode {
  readonly name: string;
  readonly node: SimulatedNode;
  readonly context: ActorContext;
  readonly router: RelayRouter;
  readonly settings: RelaySettings;
  readonly shards: ActorRef<RelayShard>[] = [];

  constructor(node: SimulatedNode, context: ActorContext, settings: RelaySettings) {
    this.name = node.name;
    this.node = node;
    this.context = context;
    this.router = relayRouterOf(context);
    this.settings = settings;
  }

  async startShard(index: number, count: number): Promise<void> {
    const ref = await this.node.kernel.spawnHere(
      RelayShard,
      [index, count, this.settings],
      { name: shardPrefix + index, concurrency: 10_000, shutdownMs: 10_000 },
      null,
    );
    this.shards[index - 1] = ref as ActorRef<RelayShard>;
  }

  async fanout(): Promise<FakeFanout> {
    const record = new ProbeRecord<Heard>();
    const ref = await this.node.kernel.spawnHere(probeClass([...heard]), [record], {}, null);
    return { ref: ref as unknown as ActorRef<Fanout>, record };
  }

  kill(ref: ActorRef): void {
    this.node.kernel.signal(ref, {
      type: "kill",
      reason: { kind: "killed", message: "by a test" },
    });
  }

  /** Asks an actor of the node to stop, as its supervisor would. */
  stop(ref: ActorRef): void {
    this.node.kernel.signal(ref, { type: "stop", reason: shutdownExit });
  }

  /** The names of the groups that are here. */
  async held(): Promise<string[]> {
    const lists = await Promise.all(this.shards.map((shard) => shard.ask.groups()));
    return lists
      .flat()
      .map(({ groupId }) => groupId)
      .sort();
  }
}

/** Gateway nodes on a simulated network, in virtual time. */
export class RelayWorld {
  readonly clock: ManualClock = new ManualClock();
  readonly steps: StepScheduler;
  readonly network: MemoryNetwork;
  readonly nodes: RelayNode[] = [];
  readonly #seed: number;
  readonly #settings: RelaySettings;

  constructor(settings: Partial<RelaySettings> = {}, seed = 1) {
    this.#seed = seed;
    this.#settings = relaySettings(settings);
    this.steps = new StepScheduler(seed);
    this.network = new MemoryNetwork(this.clock, seededRandom(seed), {
      ...{ latencyMs: 0.5, jitterMs: 1 },
    });
  }

  /** Starts a node that joins all that were started before; number 1 is `gate1@sim:9001`. */
  async start(number: number, shards = 2): Promise<RelayNode> {
    const name = `gate${number}@sim:${9_000 + number}`;
    const config = parseClusterOptions({
      ...{ name, cookie: "of the simulation", roles: ["gateway"] },
      join: this.nodes.map((node) => node.name).filter((other) => other !== name),
      ...{ heartbeatMs: 500, suspicionMs: 2_000, redialMaxMs: 500 },
    });
    const { clock, steps, network } = this;
    const node = new SimulatedNode({ clock, steps, network, seed: this.#seed }, config);
    await this.until(node.start());
    const context = await new Promise<ActorContext>((resolve) => {
      void this.until(node.kernel.spawnHere(Lender, [resolve], {}, null));
    });
    const relayNode = new RelayNode(node, context, this.#settings);
    for (let index = 1; index <= shards; index += 1) {
      await this.until(relayNode.startShard(index, shards));
    }
    this.nodes.push(relayNode);
    return relayNode;
  }

  /** Nodes that know each other, and have settled. */
  async cluster(count: number, shards = 2): Promise<RelayNode[]> {
    const nodes: RelayNode[] = [];
    for (let number = 1; number <= count; number += 1) nodes.push(await this.start(number, shards));
    await this.met(count);
    await this.pass(1_600);
    return nodes;
  }

  /** Lets time pass until all nodes that live know `count`. */
  async met(count: number): Promise<void> {
    const living = this.nodes.filter(({ node }) => node.isAlive);
    for (let waited = 0; waited < 20_000; waited += 50) {
      if (living.every(({ context }) => context.nodes.list().length === count)) return;
      await this.pass(50);
    }
    assert.fail("the nodes do not know each other");
  }

  async pass(ms: number): Promise<void> {
    const until = this.clock.now() + ms;
    await this.steps.settle();
    while (this.clock.now() + (this.clock.nextDueInMs ?? Number.POSITIVE_INFINITY) <= until) {
      this.clock.advance(this.clock.nextDueInMs ?? 0);
      await this.steps.settle();
    }
    this.clock.advance(until - this.clock.now());
    await this.steps.settle();
  }

  /** What a promise gives, with the time passing that it takes, 30 s at most. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    promise.then(note, note);
    const endsAt = this.clock.now() + 30_000;
    for (;;) {
      await this.steps.settle();
      if (isSettled) return promise;
      assert.ok(this.clock.now() < endsAt, `nothing comes of it, seed ${this.#seed}`);
      this.clock.advance(this.clock.nextDueInMs ?? 1);
    }
  }

  /** The node is gone without a word. */
  crash(relayNode: RelayNode): void {
    relayNode.node.crash();
  }

  /** The node stops its shards, one after the other, and leaves. */
  async stop(relayNode: RelayNode): Promise<void> {
    for (const shard of [...relayNode.shards].reverse()) {
      relayNode.stop(shard);
      const isGone = (): boolean => relayNode.node.kernel.find(shard.id) === undefined;
      for (let waited = 0; !isGone(); waited += 10) {
        assert.ok(waited < 12_000, "a shard does not stop");
        await this.pass(10);
      }
    }
  }

  async leave(relayNode: RelayNode): Promise<void> {
    await this.until(relayNode.node.cluster.ask.leave("it leaves"));
    relayNode.node.isAlive = false;
  }
}

/** The group of a search that has found one. */
export function foundBy(search: GroupSearch): ActorRef<Group> {
  assert.ok(search.ok, JSON.stringify(search));
  return search.group;
}
