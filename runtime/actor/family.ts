import type { ActorRef } from "./ref.ts";
import type { SystemSignal } from "./signal.ts";

/** The children of an actor, and those that may turn out to be. */
export class Family {
  readonly #children = new Map<string | number, ActorRef>();
  /** What is called when children have stopped. */
  readonly #waiting = new Map<string | number, () => void>();
  /** Starts of children on other threads that are under way. */
  #spawning = 0;
  /** The ends of such children whose end was heard before their start. */
  #earlyEnds: Map<string | number, SystemSignal> | null = null;

  get size(): number {
    return this.#children.size;
  }

  /** A copy, the oldest first. */
  list(): ActorRef[] {
    return [...this.#children.values()];
  }

  add(child: ActorRef): void {
    this.#children.set(child.nearKey, child);
  }

  /** A child has stopped, or never started; true when it was one. */
  remove(child: ActorRef): boolean {
    const key = child.nearKey;
    if (!this.#children.delete(key)) return false;
    const onStopped = this.#waiting.get(key);
    this.#waiting.delete(key);
    onStopped?.();
    return true;
  }

  /** Calls `heard` when a child has been removed; false: it is none. */
  onRemoved(child: ActorRef, heard: () => void): boolean {
    const key = child.nearKey;
    if (!this.#children.has(key)) return false;
    const others = this.#waiting.get(key);
    this.#waiting.set(key, () => {
      others?.();
      heard();
    });
    return true;
  }

  /** A child is being started on another thread. */
  beginSpawn(): void {
    this.#spawning += 1;
  }

  /** It is started, or is given up on; the result is its end, if it has stopped already. */
  endSpawn(ref?: ActorRef): SystemSignal | undefined {
    this.#spawning -= 1;
    const end = ref === undefined ? undefined : this.#earlyEnds?.get(ref.nearKey);
    if (this.#spawning === 0) this.#earlyEnds = null;
    return end;
  }

  /** Keeps the end of an actor that may turn out to be a child. */
  keepEarlyEnd(ref: ActorRef, end: SystemSignal): void {
    if (this.#spawning === 0) return;
    this.#earlyEnds ??= new Map();
    this.#earlyEnds.set(ref.nearKey, end);
  }
}
