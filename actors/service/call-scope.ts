import { handlerScope } from "#runtime";
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

/** Makes `caller` that of this thread; null takes it away. */
export function provideThreadCaller(caller: FunctionCaller | null): void {
  threadCaller = caller;
}

/** The request that the running code works on, else the node itself; null: there is no node here. */
export function currentCaller(): FunctionCaller | null {
  const scope = handlerScope.getStore() as CallScope | undefined;
  return scope?.caller ?? threadCaller;
}
