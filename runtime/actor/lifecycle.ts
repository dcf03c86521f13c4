import type { ExitReason, TroupeError } from "../core/index.ts";
import type { Actor } from "./actor.ts";
import type { Signal } from "./signal.ts";

/** The lifecycle members, which are protected for everybody but the cell. */
export interface Lifecycle {
  init?(): void | Promise<void>;
  onSignal?(signal: Signal): void | Promise<void>;
  stopChildren?(): Promise<void>;
  terminate?(reason: ExitReason): void | Promise<void>;
  codeChange?(old: Actor): void | Promise<void>;
}

/** Whether a method's result has to be waited for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

/** A promise of the platform, whatever a stranger's `then` does. */
export function toPromise(value: PromiseLike<unknown>): Promise<unknown> {
  return value instanceof Promise ? value : Promise.resolve(value);
}

/** Work that wants an actor for itself. */
export interface Exclusive {
  /** Never rejects. */
  run(): Promise<void>;
  /** Called instead when the actor ends before `run` could begin, or before it is done. */
  cancel(reason: TroupeError): void;
}
