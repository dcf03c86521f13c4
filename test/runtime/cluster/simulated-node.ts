import {
  type ManualClock,
  type MemoryNetwork,
  ProbeRecord,
  probeClass,
  type StepScheduler,
} from "#runtime/testing";
import {
  Activity,
  type ActorRef,
  activityBytes,
  importModule,
  Kernel,
  Names,
  namesId,
} from "../../../runtime/actor/index.ts";
import { StaticDiscovery } from "../../../runtime/cluster/discovery.ts";
import {
  Cluster,
  type ClusterConfig,
  ClusterThread,
  clusterId,
} from "../../../runtime/cluster/index.ts";
import { seededRandom } from "../../../runtime/core/index.ts";
import { Ledger, type Taken } from "./ledger.ts";
import { Mortal } from "./mortal.ts";

/** One life of the ledger of a node. */
export interface LedgerLife {
  readonly node: SimulatedNode;
  readonly ref: ActorRef<Ledger>;
  readonly taken: readonly Taken[];
  isAlive: boolean;
}

/** A probe that watches an actor of another node. */
export interface Watch {
  readonly node: SimulatedNode;
  readonly target: ActorRef;
  readonly probe: ActorRef;
  readonly record: ProbeRecord;
}

/** What nodes share. */
export interface World {
  readonly clock: ManualClock;
  readonly steps: StepScheduler;
  readonly network: MemoryNetwork;
  readonly seed: number;
}

/** One life of a node: a main thread that is all there is of it. */
export class SimulatedNode {
  readonly name: string;
  /** Tells this life from the others of the node. */
  readonly life: string;
  readonly kernel: Kernel;
  readonly logLines: string[] = [];
  readonly thread: ClusterThread;
  readonly cluster: ActorRef<Cluster>;
  readonly mortal: Mortal;
  ledger: LedgerLife | null = null;
  isAlive = true;
  readonly #world: World;

  constructor(world: World, config: ClusterConfig) {
    const { clock, steps, network, seed } = world;
    this.#world = world;
    this.name = config.name;
    this.mortal = new Mortal(clock, steps, network.transport(config.name));
    const incarnation = Math.floor(clock.wallTime()) * 1_024;
    this.life = `${config.name} ${incarnation}`;
    this.kernel = new Kernel({
      thread: 0,
      incarnation,
      nodeName: config.name,
      clock: this.mortal.clock,
      random: seededRandom(seed + incarnation),
      log: (level, message, fields) => {
        this.logLines.push(`${level} ${message} ${JSON.stringify(fields)}`);
      },
      scheduler: this.mortal.scheduler,
      activity: new Activity(new ArrayBuffer(activityBytes)),
      loadModule: importModule,
      strictMessages: true,
    });
    const isAlive = async (ref: ActorRef): Promise<boolean> =>
      this.kernel.find(ref.id)?.ref.equals(ref) === true;
    this.kernel.spawnFixed(namesId, Names, [{ isAlive, onThreadDown: () => {} }], {});
    this.thread = new ClusterThread(this.kernel, config, incarnation, this.mortal.transport);
    const parts = {
      ...{ kernel: this.kernel, config, incarnation, links: this.thread },
      discoveries: [new StaticDiscovery(config.join)],
      onThread: () => {},
      onThreadDown: () => {},
    };
    this.cluster = this.kernel.spawnFixed(clusterId, Cluster, [parts], {});
  }

  /** Accepts other nodes, and has a ledger. */
  async start(): Promise<void> {
    await this.thread.listen(false);
    await this.startLedger();
  }

  async startLedger(): Promise<void> {
    const taken: Taken[] = [];
    const ref = await this.kernel.spawnHere(
      Ledger,
      [taken],
      { name: "ledger", concurrency: 100 },
      null,
    );
    this.ledger = { node: this, ref: ref as ActorRef<Ledger>, taken, isAlive: true };
  }

  killLedger(): void {
    const { ledger } = this;
    if (ledger === null) return;
    ledger.isAlive = false;
    this.ledger = null;
    this.kernel.signal(ledger.ref, {
      type: "kill",
      reason: { kind: "killed", message: "by a test" },
    });
  }

  async watch(target: ActorRef): Promise<Watch> {
    const record = new ProbeRecord();
    const probe = await this.kernel.spawnHere(probeClass([]), [record], {}, null);
    this.kernel.send(probe, "watch", [target]);
    return { node: this, target, probe, record };
  }

  /** The process is gone, without a word to anybody. */
  crash(): void {
    this.isAlive = false;
    if (this.ledger !== null) this.ledger.isAlive = false;
    this.#world.network.crash(this.name);
    this.mortal.die();
  }
}
