import type { ActorRef, Kernel, PendingAsk, ThreadRoute } from "../../../runtime/actor/index.ts";

/** Tables alone, as a link between two threads would carry them: copied, in order, at once. */
export function tableRoute(to: Kernel): ThreadRoute {
  return {
    thread: to.thread,
    incarnation: to.incarnation,
    tell: () => false,
    ask: (_target: ActorRef, _method: string, _args: readonly unknown[], pending: PendingAsk) =>
      pending.reject(new Error("the test's route carries tables alone") as never),
    signal: () => {},
    table: (message) => to.tables.receive(structuredClone(message)),
  };
}

/** Joins two kernels as threads of one node. */
export function connect(one: Kernel, other: Kernel): void {
  one.routes.add(tableRoute(other));
  other.routes.add(tableRoute(one));
}
