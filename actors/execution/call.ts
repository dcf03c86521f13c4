import type { FunConfig } from "../registry/index.ts";
import { LOCAL_NODE, type Replica } from "../replicas/index.ts";
import type { CallInfo, Request } from "../request/index.ts";

/** The rules of a function that its calls go by. */
export type CallRules = Pick<
  FunConfig,
  "nodes" | "chooseNodeMode" | "retry" | "idempotent" | "hookTimeout" | "mfa"
>;

/** A function as its calls need it; a Callable is one. */
export interface CalledFunction {
  readonly service: string;
  readonly requestType: string;
  readonly config: CallRules;
  /** The group of the instances. */
  readonly group: string;
  /** The message that the instances take. */
  readonly method: string;
  /** The registered name of the pool that runs it; null: the instances do. */
  readonly pool: string | null;
  /** What the circuit breaker of this node watches over. */
  readonly target: string;
}

/** One call, ready to be sent. */
export interface Call {
  readonly callable: CalledFunction;
  readonly request: Request;
  readonly info: CallInfo;
  /** The arguments as the function takes them, the CallInfo last. */
  readonly message: readonly unknown[];
  /** What is left of the deadline. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What the circuit breaker of a replica watches over: the function on its node, or its pool. */
export function breakerTarget(callable: CalledFunction, replica: Replica): string {
  return replica.node === LOCAL_NODE
    ? callable.target
    : `${replica.node}/${callable.service}/${callable.requestType}`;
}

/** Whether a supervisor of this node starts the replica anew when it is lost; pools are not one. */
export function isSupervised(callable: CalledFunction, replica: Replica): boolean {
  return callable.pool === null && replica.node === LOCAL_NODE;
}

/**
 * Sends the call, and waits for the answer. The instances' classes differ from service to service:
 * the method is asked for by its name. A pool is told which module and function to run.
 */
export function sendCall(replica: Replica, call: Call, timeoutMs: number): Promise<unknown> {
  const { callable, message, signal } = call;
  const { ref } = replica;
  const options = signal === undefined ? { timeoutMs } : { timeoutMs, signal };
  if (callable.pool === null) return ref.sender.request(ref, callable.method, message, options);
  const run = [callable.config.mfa.module, callable.method, message];
  return ref.sender.request(ref, "run", run, options);
}
