import { type ExitReason, HERE, shutdownExit } from "../core/index.ts";
import type { Cell } from "./cell.ts";
import { Family } from "./family.ts";
import type { ActorRef } from "./ref.ts";
import { addRef, hasRef, listRefs, type Refs, removeRef } from "./refs.ts";
import type { SystemSignal } from "./signal.ts";

/**
 * What ties an actor to others: children, watchers, the watched, links. Most actors have none, and
 * most of the others one of a kind: there may be a million of them.
 */
export class Bonds {
  readonly #cell: Cell;
  /** Null: it never had a child. */
  #family: Family | null = null;
  #watchers: Refs = null;
  #watched: Refs = null;
  #links: Refs = null;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  /** The oldest first. */
  children(): ActorRef[] {
    return this.#family?.list() ?? [];
  }

  get childCount(): number {
    return this.#family?.size ?? 0;
  }

  addChild(ref: ActorRef): void {
    this.#family ??= new Family();
    this.#family.add(ref);
    bind(this.#cell, ref);
  }

  /** A child is being started on another thread. */
  beginSpawn(): void {
    this.#family ??= new Family();
    this.#family.beginSpawn();
  }

  /** It is started, or is given up on; the result is its end, if it has stopped already. */
  endSpawn(ref?: ActorRef): SystemSignal | undefined {
    return this.#family?.endSpawn(ref);
  }

  /** Keeps the end of an actor that may turn out to be a child. */
  keepEarlyEnd(ref: ActorRef, end: SystemSignal): void {
    this.#family?.keepEarlyEnd(ref, end);
  }

  /** Removes a child that has stopped, or never started; true when it was one. */
  removeChild(ref: ActorRef): boolean {
    return this.#family?.remove(ref) ?? false;
  }

  /** Asks a child to stop; resolves when it has. It kills itself when its time is over. */
  stopChild(ref: ActorRef, reason: ExitReason, shutdownMs?: number): Promise<void> {
    const { kernel } = this.#cell;
    return new Promise((resolve) => {
      if (!this.#family?.onRemoved(ref, resolve)) {
        resolve();
        return;
      }
      const limit = shutdownMs === undefined ? {} : { shutdownMs };
      kernel.signal(ref, { type: "stop", reason, ...limit });
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
    this.#watchers = addRef(this.#watchers, watcher);
    bind(this.#cell, watcher);
  }

  removeWatcher(watcher: ActorRef): void {
    this.#watchers = removeRef(this.#watchers, watcher);
  }

  watch(ref: ActorRef): void {
    if (hasRef(this.#watched, ref)) return;
    this.#watched = addRef(this.#watched, ref);
    bind(this.#cell, ref);
    this.#cell.kernel.signal(ref, { type: "watch", watcher: this.#cell.ref });
  }

  unwatch(ref: ActorRef): void {
    if (!this.removeWatched(ref)) return;
    this.#cell.kernel.signal(ref, { type: "unwatch", watcher: this.#cell.ref });
  }

  /** Forgets one that was watched; true when it was. */
  removeWatched(ref: ActorRef): boolean {
    const isWatched = hasRef(this.#watched, ref);
    if (isWatched) this.#watched = removeRef(this.#watched, ref);
    return isWatched;
  }

  link(ref: ActorRef): void {
    if (hasRef(this.#links, ref) || ref.equals(this.#cell.ref)) return;
    this.addLink(ref);
    this.#cell.kernel.signal(ref, { type: "link", peer: this.#cell.ref });
  }

  addLink(peer: ActorRef): void {
    this.#links = addRef(this.#links, peer);
    bind(this.#cell, peer);
  }

  unlink(ref: ActorRef): void {
    if (!this.removeLink(ref)) return;
    this.#cell.kernel.signal(ref, { type: "unlink", peer: this.#cell.ref });
  }

  removeLink(ref: ActorRef): boolean {
    const isLinked = hasRef(this.#links, ref);
    if (isLinked) this.#links = removeRef(this.#links, ref);
    return isLinked;
  }

  /** Tells watchers and linked actors that this one has stopped. */
  announceEnd(reason: ExitReason): void {
    const { kernel, ref } = this.#cell;
    for (const watcher of listRefs(this.#watchers)) {
      kernel.signal(watcher, { type: "terminated", ref, reason });
    }
    for (const peer of listRefs(this.#links)) kernel.signal(peer, { type: "exit", ref, reason });
    for (const watched of listRefs(this.#watched)) {
      kernel.signal(watched, { type: "unwatch", watcher: ref });
    }
    this.#watchers = null;
    this.#links = null;
    this.#watched = null;
  }

  /**
   * The bonds to actors where a thread or a node was lost: the children and watched ones that count
   * as ended, and the linked ones. Watchers there are forgotten here.
   */
  endsAt(isThere: (ref: ActorRef) => boolean): { ended: ActorRef[]; links: ActorRef[] } {
    const there = (refs: readonly ActorRef[]): readonly ActorRef[] => refs.filter(isThere);
    for (const watcher of there(listRefs(this.#watchers))) this.removeWatcher(watcher);
    return {
      ended: [...there(this.children()), ...there(listRefs(this.#watched))],
      links: [...there(listRefs(this.#links))],
    };
  }
}

/** The end of a thread or a node with such an actor ends a bond to it too. */
function bind(cell: Cell, other: ActorRef): void {
  const { ref, kernel } = cell;
  const isNear = other.thread === ref.thread && other.node === HERE;
  if (!isNear) kernel.routes.bind(cell);
}
