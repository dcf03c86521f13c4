import { type ActorContext, handlerScope } from "#runtime";
import type { HandlerContext } from "./handler-context.ts";

/** Who calls other functions: the hold of a handler on its request is one. */
export type FunctionCaller = Pick<HandlerContext, "call">;

/** What a handler is run in, so that whatever it starts can call for the same client. */
export interface CallScope {
  readonly actorId: number;
  readonly requestId: string;
  /** Null until a stream, whose handler comes with it, is open. */
  caller: FunctionCaller | null;
}

/** The caller of this thread where no handler is at work. */
let threadCaller: FunctionCaller | null = null;

/** Its hold on the system, for what works in no actor of its own. */
let threadContext: ActorContext | null = null;

/** Makes `caller` that of this thread, with the context of its actor. */
export function provideThreadCaller(caller: FunctionCaller, context: ActorContext): void {
  threadCaller = caller;
  threadContext = context;
}

/** There is none on this thread any more. */
export function withdrawThreadCaller(): void {
  threadCaller = null;
  threadContext = null;
}

/**
 * A hold on the system for code of this thread, whatever actor it runs in or none; null: there is no
 * node here. It is to look things up and to ask with, not to spawn: it belongs to another actor.
 */
export function currentContext(): ActorContext | null {
  return threadContext;
}

/** The request that the running code works on, else the node itself; null: there is no node here. */
export function currentCaller(): FunctionCaller | null {
  const scope = handlerScope.getStore() as CallScope | undefined;
  return scope?.caller ?? threadCaller;
}
