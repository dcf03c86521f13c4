import { type ActorContext, type ActorRef, toErrorRecord } from "#runtime";
import type { GroupDesk, GroupSessions } from "./group-channel.ts";

/**
 * Starts the fan-out of a thread as a child of the acceptor whose context it is given. Rejects when
 * it does not start.
 */
export type StartGroups = (
  context: ActorContext,
  sessions: GroupSessions,
) => Promise<ActorRef<GroupDesk>>;

/** How long it is left alone when it has not started anew. */
const restartAfterMs = 1_000;

/** The way from the sockets of a thread to its fan-out, which is started anew when it ends. */
export class DeskLink {
  readonly #context: ActorContext;
  readonly #start: StartGroups | null;
  #sessions: GroupSessions | null = null;
  #desk: ActorRef<GroupDesk> | null = null;

  /** With null there are no groups: nobody can enter. */
  constructor(context: ActorContext, start: StartGroups | null) {
    this.#context = context;
    this.#start = start;
  }

  /** Starts the fan-out; rejects when it does not start. */
  async open(sessions: GroupSessions): Promise<void> {
    this.#sessions = sessions;
    if (this.#start !== null) this.#desk = await this.#start(this.#context, sessions);
  }

  /** A child of the acceptor has ended. True: it was the fan-out, and knows of nobody any more. */
  ended(child: ActorRef): boolean {
    if (this.#desk === null || !this.#desk.equals(child)) return false;
    this.#desk = null;
    void this.#reopen();
    return true;
  }

  /** False: there is nobody who could answer. */
  enter(session: number, groupId: string, payload: unknown): boolean {
    return this.#desk?.tell.enter(session, groupId, payload) ?? false;
  }

  exit(session: number): void {
    this.#desk?.tell.exit(session);
  }

  room(session: number): void {
    this.#desk?.tell.room(session);
  }

  async #reopen(): Promise<void> {
    if (this.#sessions === null) return;
    try {
      await this.open(this.#sessions);
    } catch (error) {
      const { message } = toErrorRecord(error);
      this.#context.log("error", "the fan-out of the groups does not start", { error: message });
      this.#context.after(restartAfterMs, () => this.#reopen());
    }
  }
}
