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
  /** The group of the instances of this node. */
  readonly group: string;
  /** The group of those of all nodes; null where only those of this node are meant. */
  readonly clusterGroup: string | null;
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

/** Of functions on other nodes, by node: a text that is made once is found faster than a new one. */
const farTargets = new WeakMap<CalledFunction, Map<string, string>>();

/** What the circuit breaker of a replica watches over: the function on its node, or its pool. */
export function breakerTarget(callable: CalledFunction, { node }: Replica): string {
  if (node === LOCAL_NODE) return callable.target;
  let targets = farTargets.get(callable);
  if (targets === undefined) {
    targets = new Map();
    farTargets.set(callable, targets);
  }
  let target = targets.get(node);
  if (target === undefined) {
    target = `${node}/${callable.service}/${callable.requestType}`;
    targets.set(node, target);
  }
  return target;
}

/**
 * Whether it is there again soon when it is lost: a supervisor of this node starts instances anew,
 * not pools; what is on another node is not to be had while that node is away, and is after.
 */
export function isSupervised(callable: CalledFunction, replica: Replica): boolean {
  return callable.pool === null || replica.node !== LOCAL_NODE;
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
