import type { ActorRef, Kernel } from "../actor/index.ts";
import {
  Cluster,
  type ClusterConfig,
  type ClusterOptions,
  ClusterThread,
  claimPort,
  clusterId,
  discoveriesOf,
  parseClusterOptions,
  tcpTransport,
} from "../cluster/index.ts";
import { type Clock, type Log, toErrorRecord } from "../core/index.ts";
import type { ThreadSet } from "./thread-set.ts";

/** Incarnations of the threads of one life of a node count on from that of the node. */
const incarnationsPerMs = 1_024;
/** The keeper hears of every connection of every thread. */
const mailboxCapacity = 1_000_000;

/** A system's part in a cluster. */
export class SystemCluster {
  readonly config: ClusterConfig;
  /** Of the node: greater with each start of it. */
  readonly incarnation: number;
  #log: Log = () => {};
  #keeper: ActorRef<Cluster> | null = null;
  #threads: ThreadSet | null = null;

  private constructor(config: ClusterConfig, incarnation: number) {
    this.config = config;
    this.incarnation = incarnation;
  }

  /**
   * Checks the options, and that the port is free.
   * @throws TypeError, RangeError for the options; TroupeError `port_taken`, `cannot_listen`.
   */
  static async prepare(options: ClusterOptions, clock: Clock): Promise<SystemCluster> {
    const config = parseClusterOptions(options);
    // Once: the threads then share it, and would share it with another process as well.
    await claimPort(config.listen.host, config.listen.port);
    return new SystemCluster(config, Math.trunc(clock.wallTime()) * incarnationsPerMs);
  }

  /** Accepts other nodes, and begins to look for them. */
  async start(kernel: Kernel, threads: ThreadSet | null): Promise<void> {
    const { config } = this;
    this.#threads = threads;
    const thread = new ClusterThread(kernel, config, this.incarnation, tcpTransport(config.tls));
    this.#log = kernel.log;
    if (threads === null) await thread.listen(false);
    else await threads.serveNodes();
    const parts = {
      ...{ kernel, config, incarnation: this.incarnation, links: thread },
      discoveries: discoveriesOf(config, kernel.clock, kernel.log),
      onThread: (listener: (thread: number) => void) => threads?.onThread(listener),
      onThreadDown: (listener: (thread: number) => void) => threads?.onThreadDown(listener),
    };
    this.#keeper = kernel.spawnFixed(clusterId, Cluster, [parts], { mailboxCapacity });
  }

  get keeper(): ActorRef<Cluster> | null {
    return this.#keeper;
  }

  /** Says goodbye to all nodes. */
  async leave(): Promise<void> {
    const reason = "it leaves";
    await this.#threads?.leaveNodes(reason);
    await this.#keeper?.ask.leave(reason).catch((error) => {
      this.#log("error", "the cluster was not left", { error: toErrorRecord(error).message });
    });
  }
}
