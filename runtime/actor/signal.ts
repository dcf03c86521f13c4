import type { ExitReason } from "../core/index.ts";
import type { ActorRef } from "./ref.ts";

/** What `onSignal` hears. */
export type Signal =
  /** A child, or an actor that is watched, has stopped. */
  | {
      readonly type: "terminated";
      readonly ref: ActorRef;
      readonly reason: ExitReason;
      readonly child: boolean;
    }
  /** A linked actor has stopped; only for an actor spawned with `trapExit`. */
  | { readonly type: "exit"; readonly ref: ActorRef; readonly reason: ExitReason };

/** What actors' cells say to each other beside messages; never refused for lack of room. */
export type SystemSignal =
  | { readonly type: "stop"; readonly reason: ExitReason; readonly shutdownMs?: number }
  | { readonly type: "kill"; readonly reason: ExitReason }
  | { readonly type: "watch"; readonly watcher: ActorRef }
  | { readonly type: "unwatch"; readonly watcher: ActorRef }
  | { readonly type: "link"; readonly peer: ActorRef }
  | { readonly type: "unlink"; readonly peer: ActorRef }
  | { readonly type: "terminated"; readonly ref: ActorRef; readonly reason: ExitReason }
  | {
      readonly type: "exit";
      readonly ref: ActorRef;
      readonly reason: ExitReason;
      /** Whose end it is, where `ref` stands for an actor on another node. */
      readonly origin?: ActorRef;
    };
