import { type ExitReason, ReplyError, toErrorRecord } from "../core/index.ts";
import { Actor } from "./actor.ts";
import type { SpawnOptions } from "./context.ts";
import type { DeadLetter } from "./dead-letters.ts";
import type { Kernel } from "./kernel.ts";
import type { ActorRef } from "./ref.ts";
import type { Spawns } from "./route.ts";

/** How code is named where it is not loaded. */
export interface Recipe {
  /** URL of the module. */
  readonly source: string;
  /** The export that is the class; `default` works as well. */
  readonly exportName: string;
  readonly args: readonly unknown[];
}

/** The actor number of the host on every thread. */
export const hostId = 1;

const abandonedExit: ExitReason = { kind: "killed", message: "abandoned by its parent" };

/**
 * Starts actors on its thread for parents on others. A parent names each request with a token, so
 * that it can take a request back whose answer it no longer waits for: no child lives unknown to
 * its parent.
 */
export class Host extends Actor implements Spawns {
  readonly #kernel: Kernel;
  readonly #started = new Map<string, ActorRef>();
  /** Requests at work; true once the parent has given up. */
  readonly #starting = new Map<string, boolean>();

  constructor(kernel: Kernel) {
    super();
    this.#kernel = kernel;
  }

  async spawn(
    token: string,
    recipe: Recipe,
    options: SpawnOptions,
    parent: ActorRef,
  ): Promise<ActorRef> {
    this.#starting.set(token, false);
    try {
      const actorClass = await this.#kernel.load(recipe.source, recipe.exportName);
      // Loading takes time; from here on the death of the parent's thread ends the child.
      if (this.#kernel.routes.incarnationOf(parent.thread) !== parent.incarnation) {
        throw new ReplyError("thread_down", "the thread of the parent died");
      }
      const ref = await this.#kernel.spawnHere(actorClass, recipe.args, options, parent, () => {
        this.#started.delete(token);
        if (this.#started.size === 0) this.#kernel.onHostedStopped?.();
      });
      if (this.#starting.get(token)) {
        this.#kernel.signal(ref, { type: "kill", reason: abandonedExit });
        throw new ReplyError("cancelled", "the parent gave up before the child had started");
      }
      this.#started.set(token, ref);
      return ref;
    } catch (error) {
      // Whatever kept the child from starting is an answer; the host itself is well.
      const record = toErrorRecord(error);
      throw new ReplyError(record.code || "start_failed", record.message, error);
    } finally {
      this.#starting.delete(token);
    }
  }

  /** Undoes a `spawn` that the parent has given up on, whether it is done or still at work. */
  abandon(token: string): void {
    const ref = this.#started.get(token);
    if (ref !== undefined) this.#kernel.signal(ref, { type: "kill", reason: abandonedExit });
    else if (this.#starting.has(token)) this.#starting.set(token, true);
  }

  deadLetters(): DeadLetter[] {
    return this.#kernel.deadLetters.list();
  }

  isAlive(id: number): boolean {
    return this.#kernel.find(id) !== undefined;
  }
}
