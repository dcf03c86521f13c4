import {
  Actor,
  type ActorRef,
  type Recipe,
  type Signal,
  type SpawnOptions,
  type Spawns,
  type SystemSignal,
} from "../actor/index.ts";
import {
  type ExitReason,
  nodeDownExit,
  normalExit,
  ReplyError,
  toErrorRecord,
} from "../core/index.ts";
import { isAllowedModule } from "./spawn-policy.ts";

/** What an agent has of its connection and of its thread. */
export interface AgentPort {
  /** For texts. */
  readonly peer: string;
  readonly allowedModules: readonly string[];
  /** To an actor of the other thread. */
  send(target: ActorRef, signal: SystemSignal): void;
  /** To an actor of this node. */
  signal(target: ActorRef, signal: SystemSignal): void;
}

/** Who over there is bound to one actor of this node. */
interface Bound {
  readonly ref: ActorRef;
  readonly watchers: Map<string, ActorRef>;
  readonly linked: Map<string, ActorRef>;
  /** The parent, of a child that was started for it. */
  parent: ActorRef | null;
}

/**
 * Stands on this node for the actors of one thread of another: watches, links and parents actors here
 * on their behalf. Word of an end goes back over the connection that the wish came by. It ends with
 * that connection, so that nothing of it is left over: watches and links end, children stop.
 */
export class PeerAgent extends Actor implements Spawns {
  readonly #port: AgentPort;
  /** By the key of the actor of this node. */
  readonly #bound = new Map<string, Bound>();
  /** By the token of their spawn: the children, and those that are still being started or given up. */
  readonly #spawned = new Map<string, ActorRef | "starting" | "abandoned">();

  constructor(port: AgentPort) {
    super();
    this.#port = port;
  }

  watch(target: ActorRef, watcher: ActorRef): void {
    const bound = this.#boundTo(target);
    bound.watchers.set(watcher.key, watcher);
    this.context.watch(bound.ref);
  }

  unwatch(target: ActorRef, watcher: ActorRef): void {
    const bound = this.#bound.get(target.key);
    if (!bound?.watchers.delete(watcher.key) || bound.watchers.size > 0) return;
    this.context.unwatch(bound.ref);
    this.#forget(bound);
  }

  link(target: ActorRef, peer: ActorRef): void {
    const bound = this.#boundTo(target);
    bound.linked.set(peer.key, peer);
    this.context.link(bound.ref);
  }

  unlink(target: ActorRef, peer: ActorRef): void {
    const bound = this.#bound.get(target.key);
    if (!bound?.linked.delete(peer.key) || bound.linked.size > 0) return;
    this.context.unlink(bound.ref);
    this.#forget(bound);
  }

  /** A linked actor over there has ended. */
  exit(target: ActorRef, origin: ActorRef, reason: ExitReason): void {
    const bound = this.#bound.get(target.key);
    if (!bound?.linked.delete(origin.key)) return;
    this.#tellExit(bound, origin, reason);
    // Its bond ended with that word; others over there may have one of their own.
    this.context.unlink(bound.ref);
    if (bound.linked.size > 0) this.context.link(bound.ref);
    else this.#forget(bound);
  }

  /** Starts an actor for a parent over there. @throws ReplyError `not_allowed`, and as a spawn does. */
  async spawn(
    token: string,
    { source, exportName, args }: Recipe,
    options: SpawnOptions,
    parent: ActorRef,
  ): Promise<ActorRef> {
    if (!isAllowedModule(source, this.#port.allowedModules)) {
      const message = `this node starts no actors of ${source} for other nodes`;
      throw new ReplyError("not_allowed", `${message}: its spawnModules do not name it`);
    }
    this.#spawned.set(token, "starting");
    try {
      const given = { thread: "any", ...options, args } as const;
      const ref = await this.context.spawnFrom(source, exportName, given);
      if (this.#spawned.get(token) === "abandoned") {
        this.#port.signal(ref, { type: "kill", reason: abandonedExit });
        throw new ReplyError("cancelled", "the parent gave up before the child had started");
      }
      this.#spawned.set(token, ref);
      this.#boundTo(ref).parent = parent;
      return ref;
    } catch (error) {
      this.#spawned.delete(token);
      // Whatever kept the child from starting is an answer; this actor itself is well.
      const { code, message } = toErrorRecord(error);
      throw new ReplyError(code || "start_failed", message, error);
    }
  }

  abandon(token: string): void {
    const child = this.#spawned.get(token);
    if (child === undefined) return;
    if (typeof child === "string") this.#spawned.set(token, "abandoned");
    else this.#port.signal(child, { type: "kill", reason: abandonedExit });
  }

  /** The connection is gone. */
  lost(reason: string): void {
    const end = nodeDownExit(`${this.#port.peer}: ${reason}`);
    for (const bound of this.#bound.values()) {
      for (const origin of bound.linked.values()) this.#tellExit(bound, origin, end);
    }
    this.context.stop(normalExit);
  }

  protected override onSignal(signal: Signal): void {
    const { ref, reason } = signal;
    const bound = this.#bound.get(ref.key);
    if (bound === undefined) return;
    if (signal.type === "exit") {
      for (const peer of bound.linked.values()) {
        this.#port.send(peer, { type: "exit", ref, reason });
      }
      bound.linked.clear();
    } else {
      const { watchers, parent } = bound;
      if (parent !== null) {
        watchers.set(parent.key, parent);
        bound.parent = null;
        this.#forgetSpawned(ref);
      }
      for (const watcher of watchers.values()) {
        this.#port.send(watcher, { type: "terminated", ref, reason });
      }
      watchers.clear();
    }
    this.#forget(bound);
  }

  #tellExit({ ref }: Bound, origin: ActorRef, reason: ExitReason): void {
    this.#port.signal(ref, { type: "exit", ref: this.context.self, origin, reason });
  }

  #boundTo(ref: ActorRef): Bound {
    let bound = this.#bound.get(ref.key);
    if (bound === undefined) {
      bound = { ref, watchers: new Map(), linked: new Map(), parent: null };
      this.#bound.set(ref.key, bound);
    }
    return bound;
  }

  #forget(bound: Bound): void {
    const { watchers, linked, parent, ref } = bound;
    if (watchers.size === 0 && linked.size === 0 && parent === null) this.#bound.delete(ref.key);
  }

  #forgetSpawned(ref: ActorRef): void {
    for (const [token, child] of this.#spawned) {
      if (typeof child !== "string" && child.equals(ref)) this.#spawned.delete(token);
    }
  }
}

const abandonedExit: ExitReason = { kind: "killed", message: "abandoned by its parent" };
