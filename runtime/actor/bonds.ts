import { type ExitReason, HERE, shutdownExit } from "../core/index.ts";
import type { Cell } from "./cell.ts";
import type { ActorRef } from "./ref.ts";
import type { SystemSignal } from "./signal.ts";

interface Child {
  readonly ref: ActorRef;
  /** Called when it has stopped. */
  onStopped: (() => void) | null;
}

/** What ties an actor to others: children, watchers, the watched, links. Most actors have none. */
export class Bonds {
  readonly #cell: Cell;
  readonly #children = new Map<string | number, Child>();
  /** Starts of children on other threads that are under way. */
  #spawning = 0;
  /** The ends of such children whose end was heard before their start. */
  #earlyEnds: Map<string, SystemSignal> | null = null;
  readonly #watchers = new Map<string, ActorRef>();
  readonly #watched = new Map<string, ActorRef>();
  readonly #links = new Map<string, ActorRef>();

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  children(): ActorRef[] {
    return [...this.#children.values()].map((child) => child.ref);
  }

  get childCount(): number {
    return this.#children.size;
  }

  addChild(ref: ActorRef): void {
    this.#children.set(this.#childKey(ref), { ref, onStopped: null });
    this.#bind(ref);
  }

  /** A child is being started on another thread. */
  beginSpawn(): void {
    this.#spawning += 1;
  }

  /** It is started, or is given up on; the result is its end, if it has stopped already. */
  endSpawn(ref?: ActorRef): SystemSignal | undefined {
    this.#spawning -= 1;
    const end = ref === undefined ? undefined : this.#earlyEnds?.get(ref.key);
    if (this.#spawning === 0) this.#earlyEnds = null;
    return end;
  }

  /** Keeps the end of an actor that may turn out to be a child. */
  keepEarlyEnd(ref: ActorRef, end: SystemSignal): void {
    if (this.#spawning === 0) return;
    this.#earlyEnds ??= new Map();
    this.#earlyEnds.set(ref.key, end);
  }

  /** Removes a child that has stopped, or never started; true when it was one. */
  removeChild(ref: ActorRef): boolean {
    const key = this.#childKey(ref);
    const child = this.#children.get(key);
    if (child === undefined) return false;
    this.#children.delete(key);
    child.onStopped?.();
    return true;
  }

  /** Asks a child to stop; resolves when it has. It kills itself when its time is over. */
  stopChild(ref: ActorRef, reason: ExitReason, shutdownMs?: number): Promise<void> {
    const child = this.#children.get(this.#childKey(ref));
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const others = child.onStopped;
      child.onStopped = () => {
        others?.();
        resolve();
      };
      const limit = shutdownMs === undefined ? {} : { shutdownMs };
      this.#cell.kernel.signal(ref, { type: "stop", reason, ...limit });
    });
  }

  /** Stops all children, the youngest first, each after the one before it has gone. */
  async stopChildren(): Promise<void> {
    for (const ref of this.children().reverse()) await this.stopChild(ref, shutdownExit);
  }

  killChildren(reason: ExitReason): void {
    for (const ref of this.children()) this.#cell.kernel.signal(ref, { type: "kill", reason });
  }

  addWatcher(watcher: ActorRef): void {
    this.#watchers.set(watcher.key, watcher);
    this.#bind(watcher);
  }

  removeWatcher(watcher: ActorRef): void {
    this.#watchers.delete(watcher.key);
  }

  watch(ref: ActorRef): void {
    if (this.#watched.has(ref.key)) return;
    this.#watched.set(ref.key, ref);
    this.#bind(ref);
    this.#cell.kernel.signal(ref, { type: "watch", watcher: this.#cell.ref });
  }

  unwatch(ref: ActorRef): void {
    if (!this.#watched.delete(ref.key)) return;
    this.#cell.kernel.signal(ref, { type: "unwatch", watcher: this.#cell.ref });
  }

  /** Forgets one that was watched; true when it was. */
  removeWatched(ref: ActorRef): boolean {
    return this.#watched.delete(ref.key);
  }

  link(ref: ActorRef): void {
    if (this.#links.has(ref.key) || ref.equals(this.#cell.ref)) return;
    this.#links.set(ref.key, ref);
    this.#bind(ref);
    this.#cell.kernel.signal(ref, { type: "link", peer: this.#cell.ref });
  }

  addLink(peer: ActorRef): void {
    this.#links.set(peer.key, peer);
    this.#bind(peer);
  }

  unlink(ref: ActorRef): void {
    if (!this.#links.delete(ref.key)) return;
    this.#cell.kernel.signal(ref, { type: "unlink", peer: this.#cell.ref });
  }

  removeLink(ref: ActorRef): boolean {
    return this.#links.delete(ref.key);
  }

  /** Tells watchers and linked actors that this one has stopped. */
  announceEnd(reason: ExitReason): void {
    const { kernel, ref } = this.#cell;
    for (const watcher of this.#watchers.values()) {
      kernel.signal(watcher, { type: "terminated", ref, reason });
    }
    for (const peer of this.#links.values()) kernel.signal(peer, { type: "exit", ref, reason });
    for (const watched of this.#watched.values()) {
      kernel.signal(watched, { type: "unwatch", watcher: ref });
    }
    this.#watchers.clear();
    this.#links.clear();
    this.#watched.clear();
  }

  /**
   * The bonds to actors where a thread or a node was lost: the children and watched ones that count
   * as ended, and the linked ones. Watchers there are forgotten here.
   */
  endsAt(isThere: (ref: ActorRef) => boolean): { ended: ActorRef[]; links: ActorRef[] } {
    const there = (refs: Iterable<ActorRef>): ActorRef[] => [...refs].filter(isThere);
    for (const watcher of there(this.#watchers.values())) this.removeWatcher(watcher);
    return {
      ended: [...there(this.children()), ...there(this.#watched.values())],
      links: there(this.#links.values()),
    };
  }

  /** A number for a child on this thread: there may be a million of them. */
  #childKey(ref: ActorRef): string | number {
    return this.#isNear(ref) ? ref.id : ref.key;
  }

  #bind(other: ActorRef): void {
    if (!this.#isNear(other)) this.#cell.kernel.routes.bind(this.#cell);
  }

  /** Whether it lives on this very thread. */
  #isNear({ node, thread }: ActorRef): boolean {
    return thread === this.#cell.ref.thread && node === HERE;
  }
}
