import type { TableChange, TableSnapshot } from "../core/index.ts";
import type { PendingAsk } from "./ask.ts";
import type { SystemSignal } from "./signal.ts";

/** What tables say to each other. */
export type TableMessage =
  | { readonly name: string; readonly snapshot: TableSnapshot<unknown> }
  | {
      readonly name: string;
      readonly epoch: number;
      readonly version: number;
      readonly change: TableChange<unknown>;
    };

/**
 * The way to the actors of one other thread. In order; messages and asks are refused when too
 * much is on its way, signals and table changes never.
 */
export interface Route {
  readonly thread: number;
  readonly incarnation: number;
  /** False when the message was refused: the caller makes it a dead letter. */
  tell(id: number, method: string, args: readonly unknown[]): boolean;
  /** Settles `pending` in every case. */
  ask(id: number, method: string, args: readonly unknown[], pending: PendingAsk): void;
  signal(id: number, signal: SystemSignal): void;
  table(message: TableMessage): void;
}
