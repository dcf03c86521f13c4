import {
  type ErrorRecord,
  type ExitReason,
  type ReplyError,
  TroupeError,
  toErrorRecord,
} from "../core/index.ts";
import type { Bonds } from "./bonds.ts";
import type { Cell } from "./cell.ts";

/** Time to stop where neither the spawn options nor the one who stops it say. */
export const defaultShutdownMs = 5_000;

/**
 * Sees to it that a cell that is to stop has stopped in time; its first limit holds. `shutdownMs` is
 * that of whoever stops it. An actor that ends of itself, or crashes, is not killed at once even
 * where its supervisor would, and if it is cut short its reason stays what it was.
 */
export function limitStop(cell: Cell, shutdownMs: number | undefined, reason: ExitReason): void {
  if (cell.stopLimited || cell.state === "stopped") return;
  cell.stopLimited = true;
  const timeMs = shutdownMs ?? (cell.options.shutdownMs || defaultShutdownMs);
  if (timeMs === 0) {
    cell.kill({ kind: "killed", message: "killed: its shutdown time is 0" });
  } else if (timeMs !== Number.POSITIVE_INFINITY) {
    const message = `killed: did not stop within ${timeMs} ms`;
    const cut: ExitReason =
      shutdownMs === undefined
        ? { ...reason, message: `${reason.message}; ${message}` }
        : { kind: "killed", message };
    cell.addTimer(cell.kernel.clock.after(timeMs, () => cell.kill(cut)));
  }
}

/** The orderly end of an actor: its children first, then `terminate`, then gone. */
export async function runDown(cell: Cell, bonds: Bonds | null, reason: ExitReason): Promise<void> {
  if (bonds !== null && bonds.childCount > 0) {
    await guard(cell, "stopChildren", () => cell.instance?.stopChildren?.());
    await bonds.stopChildren();
  }
  await guard(cell, "terminate", () => cell.instance?.terminate?.(reason));
  cell.finish(reason);
}

/** The crash report: who, doing what, why, and how often before. */
export function reportCrash(cell: Cell, during: string, error: ErrorRecord): void {
  cell.kernel.log("error", "actor crashed", {
    actor: `${cell}`,
    message: during,
    error: error.message,
    restarts: cell.options.restarts ?? 0,
    stack: error.stack,
  });
}

/** A tell has nobody who could be told what was wrong with it. */
export function reportUnheard(cell: Cell, method: string, refusal: ReplyError): void {
  const { code, message: error } = refusal;
  cell.kernel.log("warn", "a told message was refused", { actor: `${cell}`, method, code, error });
}

/** What an asker is told whose message was in progress. */
export function unanswered(cell: Cell, reason: ExitReason): TroupeError {
  const message = `${cell} stopped while it worked on the answer: ${reason.message}`;
  return new TroupeError("abandoned", message);
}

/** What a parent is told whose child stopped before its `init` was done. */
export function stoppedWhileStarting(reason: ExitReason): TroupeError {
  return new TroupeError("start_failed", `stopped before it had started: ${reason.message}`);
}

async function guard(cell: Cell, what: string, run: () => unknown): Promise<void> {
  try {
    await run();
  } catch (error) {
    const { message, stack } = toErrorRecord(error);
    cell.kernel.log("error", `${what} failed`, { actor: `${cell}`, error: message, stack });
  }
}
