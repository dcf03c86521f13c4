import type { TableChange, TableSnapshot } from "../core/index.ts";
import type { PendingAsk } from "./ask.ts";
import type { SpawnOptions } from "./context.ts";
import type { Recipe } from "./host.ts";
import type { ActorRef } from "./ref.ts";
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
 * The way to the actors of one other thread, or of one other node. In order; messages and asks are
 * refused when too much is on its way, signals never.
 */
export interface Route {
  /** False when the message was refused: the caller makes it a dead letter. */
  tell(target: ActorRef, method: string, args: readonly unknown[]): boolean;
  /** Settles `pending` in every case. */
  ask(target: ActorRef, method: string, args: readonly unknown[], pending: PendingAsk): void;
  signal(target: ActorRef, signal: SystemSignal): void;
}

/** The way to another thread of this node. */
export interface ThreadRoute extends Route {
  readonly thread: number;
  readonly incarnation: number;
  /** Never refused. */
  table(message: TableMessage): void;
}

/** What starts actors for parents elsewhere; a `Host`, or what stands for a parent on its node. */
export interface Spawns {
  spawn(token: string, recipe: Recipe, options: SpawnOptions, parent: ActorRef): Promise<ActorRef>;
  abandon(token: string): void;
}

/** The ways to other nodes. */
export interface NodeRoutes {
  /** Undefined when no such node is connected. */
  to(node: string): Route | undefined;
  /**
   * Who starts actors for this thread there.
   * @throws TroupeError `unreachable` when there is no connection in time.
   */
  spawner(node: string, timeoutMs: number): Promise<ActorRef<Spawns>>;
}
