import {
  Actor,
  type ActorRef,
  type Kernel,
  type NodeInfo,
  type TableWriter,
} from "../actor/index.ts";
import type { Timer } from "../core/index.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import { type ClusterFace, clusterId } from "./cluster-face.ts";
import { isUnreached } from "./connection-reason.ts";
import type { Discovery } from "./discovery.ts";
import { FailureLog } from "./failure-log.ts";
import { areChanges, isLife, isPeer, isSnapshot } from "./keeper-messages.ts";
import {
  Membership,
  type MembershipAction,
  type MembershipEvent,
  type Peer,
} from "./membership.ts";
import type { LinkListener } from "./node-link.ts";
import { formatHostPort, isNodeName } from "./node-name.ts";
import { type NodeLife, TableMirror } from "./table-mirror.ts";
import { type MirrorChanges, type MirrorSnapshot, TablePublisher } from "./table-publisher.ts";

/** The main thread's links to other nodes; a `ClusterThread` has them. */
export interface ClusterLinks {
  /** Makes one attempt; `listener` hears what comes of it, and of the link's end. */
  dial(name: string, listener: LinkListener): unknown;
  /** Ends the link, or the attempt; nothing happens when there is none. */
  drop(name: string, reason: string): void;
  /** Says goodbye to all nodes, and accepts none any more. */
  close(reason: string): Promise<void>;
}

/** What the keeper of the cluster is made of. */
export interface ClusterParts {
  /** Of the main thread. */
  readonly kernel: Kernel;
  readonly config: ClusterConfig;
  /** Of this node. */
  readonly incarnation: number;
  readonly links: ClusterLinks;
  readonly discoveries: readonly Discovery[];
  /** Calls `listener` for every thread of this node beside the main one, and for each that comes. */
  onThread(listener: (thread: number) => void): void;
  onThreadDown(listener: (thread: number) => void): void;
}

/** How often a node tells one other, by chance, whom it is connected to. */
const gossipMs = 10_000;
/** When what a peer lacks is told again, or what is lacking here is asked for. */
const mendMs = 1_000;
/** A table that was asked for is not asked for again before. */
const patienceMs = 5_000;

/** A node that is up, as the keepers of two nodes talk to each other. */
interface Keeper {
  readonly peer: NodeLife;
  readonly ref: ActorRef<Cluster>;
  /** Whether it was sent all that is in the tables of this node. */
  isTold: boolean;
  askedAt: number;
}

/**
 * The keeper of the cluster, on the main thread of every node: finds the other nodes, keeps a link to
 * each and dials it again when it was lost, writes the table of nodes, and tells the other keepers
 * this node's roles, names and groups. What to do about membership is decided in membership.ts.
 */
export class Cluster extends Actor implements ClusterFace {
  readonly #parts: ClusterParts;
  readonly #membership: Membership;
  readonly #nodes: TableWriter<NodeInfo>;
  readonly #mirror: TableMirror;
  readonly #publisher: TablePublisher;
  readonly #keepers = new Map<string, Keeper>();
  readonly #failures = new FailureLog();
  readonly #timers = new Map<"tick" | "mend" | "gossip", Timer>();
  #roles: readonly string[];
  #tickAt = Number.POSITIVE_INFINITY;
  #hasLeft = false;

  constructor(parts: ClusterParts) {
    super();
    const { config } = parts;
    const { random } = this.context;
    this.#parts = parts;
    this.#roles = config.roles;
    const { name: self, redialMaxMs } = config;
    this.#membership = new Membership({ self, redialMaxMs, random });
    this.#nodes = this.context.writeTable("nodes");
    this.#mirror = new TableMirror((name) => this.context.writeTable(name));
    const open = (name: string) => this.context.table<unknown>(name);
    this.#publisher = new TablePublisher(open, () => this.#own.tell.publish());
  }

  protected override init(): void {
    const { config, discoveries, onThread, onThreadDown } = this.#parts;
    this.#writeSelf();
    this.#publisher.followThread(this.context.thread);
    onThread((thread) => this.#publisher.followThread(thread));
    onThreadDown((thread) => this.#publisher.dropThread(thread));
    if (config.cookie === null) {
      const { host, port } = config.listen;
      const message = "no cookie: only nodes on this machine can connect";
      this.context.log("warn", message, { listen: formatHostPort(host, port) });
    }
    for (const discovery of discoveries) {
      discovery.start((names) => this.#own.tell.discovered(discovery.source, names));
    }
    this.#timers.set(
      "gossip",
      this.context.every(gossipMs, () => this.#gossip()),
    );
  }

  protected override terminate(): void {
    for (const discovery of this.#parts.discoveries) discovery.stop();
  }

  // --- what this node's own threads tell --------------------------------------------------------

  seen(peer: Peer): void {
    if (this.#isSense("seen", isPeer(peer))) this.#decide({ type: "seen", peer });
  }

  refused(from: string, code: string, why: string): void {
    // The port is another one with each attempt.
    const host = from.slice(0, from.lastIndexOf(":"));
    if (!this.#failures.isNews(host, code, this.context.clock.now())) return;
    this.context.log("warn", "handshake failed", { peer: from, code, why });
  }

  discovered(source: string, names: readonly string[]): void {
    this.#decide({ type: "discovered", source, names });
  }

  /** A dial succeeded. */
  connected(name: string, attempt: number, peer: Peer): void {
    this.#failures.forget(name);
    this.#decide({ type: "up", name, attempt, peer });
  }

  /** A link was lost. */
  disconnected(name: string, attempt: number, reason: string, isOrderly: boolean): void {
    this.#decide({ type: isOrderly ? "left" : "down", name, attempt, reason });
  }

  /** A dial came to nothing. */
  failed(name: string, attempt: number, why: string): void {
    if (!this.#hasLeft && this.#failures.isNews(name, why, this.context.clock.now())) {
      const message = isUnreached(why) ? "node not reached" : "handshake failed";
      this.context.log("warn", message, { peer: name, why });
    }
    this.#decide({ type: "failed", name, attempt });
  }

  /** Adds a role to this node; the other nodes learn of it. See `parseRole` for what is one. */
  addRole(role: string): void {
    this.#setRoles([...this.#roles, role]);
  }

  removeRole(role: string): void {
    this.#setRoles(this.#roles.filter((one) => one !== role));
  }

  /**
   * Leaves the cluster for good: says goodbye to all nodes, which then know that this one is not to
   * be waited for. Resolves when that is said.
   */
  async leave(reason: string): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    for (const discovery of this.#parts.discoveries) discovery.stop();
    this.#decide({ type: "leave", reason });
    for (const timer of this.#timers.values()) timer.cancel();
    await this.#parts.links.close(reason);
  }

  /** Tells the other keepers what has changed in the tables of this node. */
  publish(): void {
    for (const changes of this.#publisher.take()) {
      for (const keeper of this.#keepers.values()) {
        if (!keeper.isTold) continue;
        keeper.isTold = keeper.ref.tell.takeChanges(this.#life, changes);
        if (!keeper.isTold) this.#mendLater();
      }
    }
  }

  // --- what the keepers of other nodes tell -----------------------------------------------------

  /** The first that a keeper says over a new link, and now and then again. */
  greet(peer: Peer, connected: readonly string[]): void {
    if (!this.#isSense("greet", isPeer(peer) && Array.isArray(connected))) return;
    this.#decide({ type: "roles", peer });
    this.#decide({ type: "heard_of", names: connected.filter(isNodeName) });
  }

  takeSnapshot(from: NodeLife, snapshot: MirrorSnapshot): void {
    if (!this.#isSense("takeSnapshot", isLife(from) && isSnapshot(snapshot))) return;
    if (this.#membership.knows(from.name)) this.#mirror.takeSnapshot(from, snapshot);
  }

  takeChanges(from: NodeLife, changes: MirrorChanges): void {
    if (!this.#isSense("takeChanges", isLife(from) && areChanges(changes))) return;
    this.#mirror.takeChanges(from, changes);
    if (this.#mirror.isMissing(from.name)) this.#mendLater();
  }

  /** A keeper lacks what it was told of the tables of this node. */
  tellAgain(from: NodeLife): void {
    if (!this.#isSense("tellAgain", isLife(from))) return;
    const keeper = this.#keepers.get(from.name);
    if (keeper?.peer.incarnation === from.incarnation) this.#tellAll(keeper);
  }

  // ----------------------------------------------------------------------------------------------

  /** What a keeper of another version, or no keeper, says must not cost this node its cluster. */
  #isSense(message: string, isSound: boolean): boolean {
    if (!isSound && this.#failures.isNews(message, "no sense", this.context.clock.now())) {
      this.context.log("warn", "another node told what makes no sense here", { message });
    }
    return isSound;
  }

  #decide(event: MembershipEvent): void {
    for (const action of this.#membership.decide(event, this.context.clock.now())) {
      this.#apply(action);
    }
    const { dueAt } = this.#membership;
    if (dueAt === this.#tickAt) return;
    this.#timers.get("tick")?.cancel();
    this.#tickAt = dueAt;
    if (dueAt === Number.POSITIVE_INFINITY) return;
    const tick = (): void => {
      this.#tickAt = Number.POSITIVE_INFINITY;
      this.#decide({ type: "tick" });
    };
    this.#timers.set("tick", this.context.after(dueAt - this.context.clock.now(), tick));
  }

  #apply(action: MembershipAction): void {
    switch (action.type) {
      case "publish":
        this.#publishNode(action.peer);
        break;
      case "remove":
        this.#removeNode(action.name, action.reason, action.isOrderly);
        break;
      case "drop":
        this.#parts.links.drop(action.name, action.reason);
        break;
      case "dial":
        this.#dial(action.name, action.attempt);
        break;
    }
  }

  #dial(name: string, attempt: number): void {
    const { tell } = this.#own;
    this.#parts.links.dial(name, {
      up: ({ incarnation, roles }) =>
        void tell.connected(name, attempt, { name, incarnation, roles }),
      down: (reason, orderly) => void tell.disconnected(name, attempt, reason, orderly),
      failed: (reason) => void tell.failed(name, attempt, reason),
    });
  }

  #publishNode({ name, incarnation, roles }: Peer): void {
    const row = { name, incarnation, roles: [...roles].sort(), isSelf: false };
    if (this.#keepers.has(name)) {
      this.#nodes.set(name, row);
      return;
    }
    this.context.log("info", "node up", { node: name, roles: roles.join(",") || undefined });
    const { kernel } = this.#parts;
    const ref = kernel.ref({ node: name, thread: 0, id: clusterId, incarnation });
    const peer = { name, incarnation };
    const askedAt = Number.NEGATIVE_INFINITY;
    const keeper = { peer, ref: kernel.typed(ref, Cluster), isTold: false, askedAt };
    // What is known of its tables can be read by whoever hears that it is up.
    this.#mirror.up(peer);
    this.#keepers.set(name, keeper);
    this.#nodes.set(name, row);
    this.#greet(keeper);
    this.#tellAll(keeper);
    if (this.#mirror.isMissing(name)) this.#mendLater();
  }

  #removeNode(name: string, why: string, isOrderly: boolean): void {
    // When this node leaves, the others do not go down.
    if (!this.#hasLeft) {
      this.context.log(isOrderly ? "info" : "warn", "node down", { node: name, why });
    }
    this.#keepers.delete(name);
    this.#mirror.down(name);
    this.#nodes.delete(name);
  }

  #setRoles(roles: readonly string[]): void {
    this.#roles = [...new Set(roles)].sort();
    this.#writeSelf();
    for (const keeper of this.#keepers.values()) this.#greet(keeper);
  }

  #writeSelf(): void {
    this.#nodes.set(this.#life.name, { ...this.#life, roles: this.#roles, isSelf: true });
  }

  get #own(): ActorRef<Cluster> {
    return this.context.self as ActorRef<Cluster>;
  }

  get #life(): NodeLife {
    return { name: this.#parts.config.name, incarnation: this.#parts.incarnation };
  }

  #greet({ peer, ref }: Keeper): void {
    const others = this.#membership.up().filter(({ name }) => name !== peer.name);
    const self = { ...this.#life, roles: this.#roles };
    ref.tell.greet(
      self,
      others.map(({ name }) => name),
    );
  }

  #tellAll(keeper: Keeper): void {
    // So that the changes that follow are those since the snapshots.
    this.publish();
    const life = this.#life;
    const snapshots = this.#publisher.snapshots();
    keeper.isTold = snapshots.every((snapshot) => keeper.ref.tell.takeSnapshot(life, snapshot));
    if (!keeper.isTold) this.#mendLater();
  }

  #gossip(): void {
    this.#mirror.retain((name) => this.#membership.knows(name));
    const keepers = [...this.#keepers.values()];
    const keeper = keepers[Math.floor(this.context.random() * keepers.length)];
    if (keeper !== undefined) this.#greet(keeper);
  }

  #mendLater(): void {
    if (this.#timers.has("mend") || this.#hasLeft) return;
    this.#timers.set(
      "mend",
      this.context.after(mendMs, () => this.#mend()),
    );
  }

  #mend(): void {
    this.#timers.delete("mend");
    const now = this.context.clock.now();
    for (const keeper of this.#keepers.values()) {
      if (!keeper.isTold) this.#tellAll(keeper);
      if (!this.#mirror.isMissing(keeper.peer.name)) continue;
      if (now - keeper.askedAt >= patienceMs && keeper.ref.tell.tellAgain(this.#life)) {
        keeper.askedAt = now;
      }
      this.#mendLater();
    }
  }
}
