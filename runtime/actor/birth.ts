import { type ExitReason, type Timer, TroupeError } from "../core/index.ts";
import { labelNumber } from "./activity.ts";
import { type ActorClass, constructWith } from "./actor.ts";
import type { Cell } from "./cell.ts";
import { CellContext } from "./cell-context.ts";
import { stoppedWhileStarting } from "./ending.ts";
import { isThenable, type Lifecycle } from "./lifecycle.ts";

/** Time for `init` where the spawn options do not say. */
export const defaultStartTimeoutMs = 30_000;

/** Constructs an actor that belongs to `cell`. */
export function makeInstance(
  cell: Cell,
  actorClass: ActorClass,
  args: readonly unknown[],
): Lifecycle {
  const context = new CellContext(cell);
  return constructWith(context, () => new actorClass(...(args as never[]))) as object as Lifecycle;
}

/** The beginning of an actor, within its start time: its name, its constructor, its `init`. */
export class Birth {
  readonly #cell: Cell;
  readonly #args: readonly unknown[];
  readonly #onEnd: (error: unknown) => void;
  #hasBegun = false;
  #limit: Timer | null = null;
  #error: unknown = null;

  /** @param onEnd called with null when it has started, else with why not. */
  constructor(cell: Cell, args: readonly unknown[], onEnd: (error: unknown) => void) {
    this.#cell = cell;
    this.#args = args;
    this.#onEnd = onEnd;
  }

  /** Runs in the actor's first turn; later it does nothing. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const cell = this.#cell;
    const { name } = cell.options;
    if (name === undefined) {
      this.#construct();
      return;
    }
    this.#startLimit();
    cell.kernel.registerName(name, cell.ref).then(
      () => this.#construct(),
      (error) => cell.startFailed(error),
    );
  }

  succeeded(): void {
    this.#limit?.cancel();
    this.#onEnd(null);
  }

  /** Why it is going to have failed. */
  fails(error: unknown): void {
    this.#error ??= error;
  }

  /** The actor has ended before it had started. */
  failed(reason: ExitReason): void {
    this.#limit?.cancel();
    this.#onEnd(this.#error ?? stoppedWhileStarting(reason));
  }

  #construct(): void {
    const cell = this.#cell;
    if (cell.state !== "starting") return;
    const { activity } = cell.kernel;
    activity.begin(cell.ref.id, labelNumber(`${cell.info.name}.init`));
    try {
      const instance = makeInstance(cell, cell.ref.actorClass as ActorClass, this.#args);
      cell.adopt(instance);
      const initialised = instance.init?.();
      if (isThenable(initialised)) {
        this.#startLimit();
        initialised.then(
          () => cell.started(),
          (error) => cell.startFailed(error),
        );
      } else cell.started();
    } catch (error) {
      cell.startFailed(error);
    } finally {
      activity.end();
    }
  }

  #startLimit(): void {
    if (this.#limit !== null) return;
    const cell = this.#cell;
    const timeMs = cell.options.startTimeoutMs ?? defaultStartTimeoutMs;
    this.#limit = cell.kernel.clock.after(timeMs, () => {
      this.fails(new TroupeError("start_failed", `init took longer than ${timeMs} ms`));
      cell.kill({ kind: "killed", message: "killed: init took too long" });
    });
  }
}
