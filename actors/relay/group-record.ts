import { type ActorContext, type ActorRef, ReplyError, toErrorRecord } from "#runtime";
import type { GroupState } from "./group-state.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
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
  readonly #isFull: boolean;
  readonly #snapshot: () => GroupState;
  #isBehind = false;
  /** The last write that was begun, where acknowledgements wait for it; null: it has ended. */
  #last: Promise<boolean> | null = null;
  /** Something has changed since the last try to repair it. */
  #isStale = false;
  #isGone = false;

  /** @param isFull changes are acknowledged when they are on disk, see {@link acknowledge}. */
  constructor(context: ActorContext, groupId: string, isFull: boolean, snapshot: () => GroupState) {
    this.#context = context;
    this.#groupId = groupId;
    this.#isFull = isFull;
    this.#snapshot = snapshot;
  }

  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Why nothing can be changed now, where what is acknowledged has to be on disk; null: it can. */
  get refusal(): RelayRefusal | null {
    return this.#isFull && this.#isBehind ? refuseRelay("unavailable") : null;
  }

  /** Whether what was written so far is on disk; null: nobody has to wait for that. */
  get saved(): Promise<boolean> | null {
    return this.#last;
  }

  /**
   * Resolves with the answer to a change when it is on disk, where that is promised.
   * @throws ReplyError `outcome_unknown` when it could not be brought there: it is tried again.
   */
  acknowledge<T>(answer: T): T | Promise<T> {
    const { saved } = this;
    if (saved === null) return answer;
    return saved.then((isSaved) => {
      if (isSaved) return answer;
      throw notWritten();
    });
  }

  /** Resolves with whether it is on disk; the order of the writes is that of the calls. */
  write(write: GroupWrite): Promise<boolean> {
    const written = this.#write(write);
    if (!this.#isFull) return written;
    this.#last = written;
    return written.finally(() => {
      if (this.#last === written) this.#last = null;
    });
  }

  async #write(write: GroupWrite): Promise<boolean> {
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

  /** Takes the copy off the disk; resolves with false when that has failed, and was promised. */
  async remove(): Promise<boolean> {
    this.#isGone = true;
    const isGone = await this.write({ delete: true });
    return isGone || !this.#isFull;
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

/** What is thrown where it was promised that a change is on disk before it is acknowledged. */
export function notWritten(): ReplyError {
  return new ReplyError("outcome_unknown", "the change could not be written to the disk");
}
