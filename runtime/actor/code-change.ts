import { TroupeError } from "../core/index.ts";
import type { Actor, ActorClass } from "./actor.ts";
import { makeInstance } from "./birth.ts";
import type { Cell } from "./cell.ts";

/**
 * Puts new code in the place of the running one, between two messages: same ref, mailbox, children
 * and timers. The new instance takes over what it needs in `codeChange(old)`.
 * @throws TroupeError `start_failed` when the new class has no `codeChange`, and whatever its
 * constructor or `codeChange` throws; the old instance then goes on.
 */
export function changeCode(
  cell: Cell,
  actorClass: ActorClass,
  args: readonly unknown[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const run = async (): Promise<void> => {
      try {
        const fresh = makeInstance(cell, actorClass, args);
        if (fresh.codeChange === undefined) {
          throw new TroupeError("start_failed", `${actorClass.name} has no codeChange`);
        }
        await fresh.codeChange(cell.instance as object as Actor);
        if (cell.state === "running") cell.adopt(fresh, actorClass);
        resolve();
      } catch (error) {
        reject(error);
      }
    };
    cell.exclusively({ run, cancel: reject });
  });
}
