import type { ErrorRecord } from "./errors.ts";

/**
 * Why an actor stopped.
 * - `normal`: it stopped itself.
 * - `shutdown`: its parent or the system stopped it.
 * - `crash`: a method, init or a linked actor failed; `error` tells.
 * - `killed`: it did not stop within its shutdown time, or was killed on purpose.
 * - `thread_down`: its thread died. `culprit` is true for the actor that brought the thread down,
 *   the only one whose supervisor charges the restart.
 * - `node_down`: the connection to its node was lost; whether it still lives is not known.
 * - `no_actor`: there was no such actor when it was watched.
 */
export interface ExitReason {
  readonly kind:
    | "normal"
    | "shutdown"
    | "crash"
    | "killed"
    | "thread_down"
    | "node_down"
    | "no_actor";
  readonly message: string;
  readonly error?: ErrorRecord;
  readonly culprit?: boolean;
}

export const normalExit: ExitReason = { kind: "normal", message: "stopped normally" };
export const shutdownExit: ExitReason = { kind: "shutdown", message: "shut down" };
export const killedExit: ExitReason = { kind: "killed", message: "killed" };
export const noActorExit: ExitReason = { kind: "no_actor", message: "no such actor" };

/** The reason of an actor that failed with `error`. */
export function crashExit(error: ErrorRecord): ExitReason {
  return { kind: "crash", message: `${error.name}: ${error.message}`, error };
}

/** The reason of every actor on a thread that died. */
export function threadDownExit(message: string, culprit: boolean): ExitReason {
  return { kind: "thread_down", message, culprit };
}

/** The reason of every actor on a node to which the connection was lost. */
export function nodeDownExit(message: string): ExitReason {
  return { kind: "node_down", message };
}

/** True for the ends that nobody has to mend: OTP's `normal` and `shutdown`. */
export function isOrderlyExit(reason: ExitReason): boolean {
  return reason.kind === "normal" || reason.kind === "shutdown";
}
