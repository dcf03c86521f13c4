import type { MessagePort } from "node:worker_threads";
import type { ActorInfo, ThreadInfo } from "../actor/index.ts";
import type { ClusterConfig } from "../cluster/index.ts";
import type { LogLevel } from "../core/index.ts";

/** What every thread of a system has in common. */
export interface ThreadConfig {
  readonly strictMessages: boolean;
  /** A turn longer than this is logged with its actor. */
  readonly slowTurnMs: number;
  readonly heartbeatMs: number;
  /** The cluster that the node is part of, and the incarnation of the node. */
  readonly cluster: { readonly config: ClusterConfig; readonly incarnation: number } | null;
}

/** What a worker is started with. */
export interface ThreadData {
  readonly thread: number;
  readonly incarnation: number;
  readonly dedicated: boolean;
  readonly config: ThreadConfig;
  readonly activity: SharedArrayBuffer;
  readonly labels: SharedArrayBuffer;
  readonly control: MessagePort;
}

/** One end of a link that is being made. */
export interface LinkEnd {
  /** The thread at the other end. */
  readonly thread: number;
  readonly incarnation: number;
  readonly dedicated: boolean;
  readonly side: 0 | 1;
  readonly memory: SharedArrayBuffer;
  readonly port: MessagePort;
}

/** What the main thread asks of the others, over comlink; never on behalf of a message. */
export interface ThreadControl {
  /** Opens the link; with `greet` it resolves when the other side has told its tables. */
  connect(end: LinkEnd, greet: boolean): Promise<void>;
  threadDown(thread: number, message: string, culprits: readonly number[]): void;
  inspect(): { actors: ActorInfo[]; info: ThreadInfo };
  /** Accepts the connections of other nodes from now on; resolves when it does. */
  serveNodes(): Promise<void>;
  /** Says goodbye to the other nodes. */
  leaveNodes(reason: string): Promise<void>;
  /** Ends the thread; its actors have been stopped before. */
  exit(): void;
}

/** What a thread posts to the main thread of itself. */
export type ThreadReport =
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Record<string, unknown> | undefined;
    }
  /** The actor of a dedicated thread has stopped; the thread has nothing more to do. */
  | { readonly type: "finished" }
  /** The thread is about to die; the actor number that is known to be at fault, or 0. */
  | { readonly type: "fatal"; readonly message: string; readonly culprit: number };
