import { type ActorContext, type ActorRef, TroupeError, toErrorRecord } from "#runtime";
import { selectShard } from "./home.ts";
import { type RelayStore, type StoredGroup, storeName } from "./store.ts";

/** How long the start of a shard waits for the store, less than the time for its `init`. */
const startMs = 25_000;
const retryMs = 100;
const askMs = 10_000;
/** For a shard that stops, and has used most of its time. */
const flushMs = 1_500;

/** The groups on disk that a shard is to have and has not: all at its start, later those that crashed. */
export class StoredGroups {
  readonly #context: ActorContext;
  readonly #missing = new Set<string>();

  constructor(context: ActorContext) {
    this.#context = context;
  }

  /**
   * Learns which there are, of the shard `index` of `count`.
   * @throws TroupeError `unavailable` when the store does not tell in time.
   */
  async open(index: number, count: number): Promise<void> {
    const { clock } = this.#context;
    const endsAt = clock.now() + startMs;
    for (;;) {
      try {
        const names = await this.#store().askWith({ timeoutMs: askMs }).groupIds();
        for (const name of names) if (selectShard(name, count) === index) this.#missing.add(name);
        return;
      } catch (error) {
        if (clock.now() >= endsAt) {
          const { message } = toErrorRecord(error);
          throw new TroupeError("unavailable", `the relay store does not answer: ${message}`);
        }
      }
      await new Promise<void>((resolve) => clock.after(retryMs, resolve));
    }
  }

  /** The names of those that are missing. */
  names(): string[] {
    return [...this.#missing];
  }

  has(groupId: string): boolean {
    return this.#missing.has(groupId);
  }

  /** A group is not here any more; if it is on disk it is read from there when it is wanted. */
  lost(groupId: string): void {
    this.#missing.add(groupId);
  }

  /** It is here, from wherever. */
  found(groupId: string): void {
    this.#missing.delete(groupId);
  }

  /** What is on disk of a group that is missing; null: nothing. @throws TroupeError */
  async load(groupId: string): Promise<StoredGroup | null> {
    if (!this.#missing.has(groupId)) return null;
    const stored = await this.#store().askWith({ timeoutMs: askMs }).load(groupId);
    if (stored === null) this.#missing.delete(groupId);
    return stored;
  }

  /** Resolves when what groups here have told the store is on the disk, or cannot be brought there. */
  async flush(): Promise<void> {
    await this.#store().askWith({ timeoutMs: flushMs }).flush();
  }

  #store(): ActorRef<RelayStore> {
    const store = this.#context.whereis(storeName);
    if (store === undefined) throw new TroupeError("no_actor", "the relay store is not running");
    return store as ActorRef<RelayStore>;
  }
}
