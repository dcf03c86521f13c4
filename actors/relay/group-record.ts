import { type ActorContext, type ActorRef, toErrorRecord } from "#runtime";
import type { GroupState } from "./group-state.ts";
import { type RelayStore, type StoreWrite, storeName } from "./store.ts";

/** How long a group waits for its store. */
const writeTimeoutMs = 30_000;
/** How often a group whose last write failed tries to be written anew. */
const repairMs = 1_000;

/** What a write says beside the name of the group. */
export type GroupWrite = Omit<StoreWrite, "groupId">;

/**
 * A durable group's copy on disk. After a write that failed, the copy lags: then the whole group is
 * written anew until that succeeds, and {@link isBehind} is true so that nobody is promised more.
 */
export class GroupRecord {
  readonly #context: ActorContext;
  readonly #groupId: string;
  readonly #snapshot: () => GroupState;
  #isBehind = false;
  /** Something has changed since the last try to repair it. */
  #isStale = false;
  #isGone = false;

  constructor(context: ActorContext, groupId: string, snapshot: () => GroupState) {
    this.#context = context;
    this.#groupId = groupId;
    this.#snapshot = snapshot;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Resolves with whether it is on disk; the order of the writes is that of the calls. */
  async write(write: GroupWrite): Promise<boolean> {
    if (this.#isBehind && write.delete === undefined) {
      this.#isStale = true;
      return false;
    }
    try {
      await this.#ask(write);
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** Takes the copy off the disk. */
  async remove(): Promise<void> {
    this.#isGone = true;
    await this.write({ delete: true });
  }

  async #ask(write: GroupWrite): Promise<void> {
    const store = this.#context.whereis(storeName) as ActorRef<RelayStore> | undefined;
    if (store === undefined) throw new Error("the store is not running");
    await store.askWith({ timeoutMs: writeTimeoutMs }).write({ groupId: this.#groupId, ...write });
  }

  #failed(error: unknown): void {
    const { message } = toErrorRecord(error);
    const fields = { groupId: this.#groupId, error: message };
    if (this.#isGone) {
      this.#context.log("error", "a group could not be deleted from the disk", fields);
      return;
    }
    if (this.#isBehind) return;
    this.#isBehind = true;
    this.#context.log("error", "a group could not be written to the disk", fields);
    this.#context.after(repairMs, () => this.#repair());
  }

  async #repair(): Promise<void> {
    if (this.#isGone) return;
    this.#isStale = false;
    try {
      await this.#ask({ replace: this.#snapshot() });
      if (this.#isStale) {
        await this.#repair();
        return;
      }
      this.#isBehind = false;
      this.#context.log("info", "a group is on disk again", { groupId: this.#groupId });
    } catch {
      this.#context.after(repairMs, () => this.#repair());
    }
  }
}
