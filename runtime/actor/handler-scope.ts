import { AsyncLocalStorage } from "node:async_hooks";

/** Whose work the running code is, through every `await` and callback. */
export interface HandlerScope {
  /** The number of the actor on this thread. */
  readonly actorId: number;
  readonly requestId: string;
}

/**
 * Entered around the handlers of services, and nowhere else: entering costs a little, and a plain
 * message must not pay for it. It tells who is at fault when something is thrown where nobody
 * catches it.
 */
export const handlerScope: AsyncLocalStorage<HandlerScope> = new AsyncLocalStorage();
