import type { ErrorRecord, LogLevel } from "#runtime";
import type { CallChanges } from "../execution/index.ts";
import type { CallInfo, StreamEnd } from "../request/index.ts";

/** One function call on its way to a thread of a pool. */
export interface Job {
  /** Versioned URL of the service's module. */
  readonly url: string;
  /** Name of the service, for messages. */
  readonly service: string;
  /** The message that stands for the function. */
  readonly method: string;
  /** The arguments of the message, without the CallInfo. */
  readonly args: readonly unknown[];
  readonly info: Omit<CallInfo, "stream">;
  /** Milliseconds since 1970, or Infinity: the clocks of two threads have only that in common. */
  readonly deadline: number;
  /** Chunks that may be under way; null for what is no stream. */
  readonly window: number | null;
}

/** What the thread of a job says to the pool. */
export type FromJob =
  | {
      readonly type: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Record<string, unknown>;
    }
  | {
      readonly type: "call";
      readonly id: number;
      readonly service: string;
      readonly requestType: string;
      readonly args: Record<string, unknown>;
      readonly version: string | null;
      /** Null: none of its own. */
      readonly timeoutMs: number | null;
      readonly changes: CallChanges | undefined;
    }
  /** Nobody waits for the answer to that call any more. */
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "chunks"; readonly chunks: readonly string[]; readonly end: StreamEnd | null }
  /** The generator of a stream goes on although it was told to end. */
  | { readonly type: "left" };

/** What the pool says to the thread of a job. */
export type ToJob =
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "refusal"; readonly id: number; readonly error: ErrorRecord }
  | { readonly type: "grant"; readonly count: number };
