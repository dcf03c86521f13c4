import {
  type ChooseNodeMode,
  chooseNodeModeField,
  type FunConfig,
  type Nodes,
  nodesField,
  type Retry,
  retryField,
} from "../registry/index.ts";
import type { CalledFunction } from "./call.ts";
import { clusterGroup } from "./callable.ts";

/** What a call has otherwise than its function says. Plain data, because it may cross threads. */
export type CallChanges = Partial<Pick<FunConfig, "nodes" | "chooseNodeMode" | "retry">>;

/**
 * Whom a call goes to: a way of choosing (`"round_robin"`, `{ hash: "user_id" }`), a node or several
 * by name, or those of a role.
 */
export type Select =
  | string
  | readonly string[]
  | { readonly role: string }
  | { readonly hash: string }
  | { readonly sticky: string };

/** How a call is to be made, where it is not as its function says. */
export interface CallOptions {
  /** null, absent: what a client gets who asks for none. */
  readonly version?: string | null;
  /** The call ends by then at the latest; the function's timeout and the caller's deadline hold too. */
  readonly timeoutMs?: number;
  readonly select?: Select;
  readonly retry?: Retry | number | null;
  readonly signal?: AbortSignal;
}

/** {@link CallOptions}, read. */
export interface CallTerms {
  readonly version: string | null;
  /** Infinity: none of its own. */
  readonly timeoutMs: number;
  readonly changes: CallChanges | undefined;
  readonly signal: AbortSignal | undefined;
}

const plainTerms: CallTerms = Object.freeze({
  ...{ version: null, timeoutMs: Number.POSITIVE_INFINITY },
  ...{ changes: undefined, signal: undefined },
});

const known: readonly string[] = ["version", "timeoutMs", "select", "retry", "signal"];

/**
 * Reads the options of a call; a text or null is its version.
 * @throws TypeError that names the option, what was expected and what came; `where` is whose it is.
 */
export function parseCallOptions(options: string | null | CallOptions, where: string): CallTerms {
  if (options === null) return plainTerms;
  if (typeof options === "string") return { ...plainTerms, version: options };
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${where}: unknown option ${unknown}: expected one of ${known.join(", ")}`);
  }
  const { version = null, timeoutMs = Number.POSITIVE_INFINITY, select, retry, signal } = options;
  if (version !== null && typeof version !== "string") fail(where, "version", "a text", version);
  if (!(typeof timeoutMs === "number" && timeoutMs > 0)) {
    fail(where, "timeoutMs", "a number > 0", timeoutMs);
  }
  const faults: string[] = [];
  const changes: CallChanges = {
    ...(select === undefined ? {} : parseSelect(select, `${where}: select`, faults)),
    ...(retry === undefined ? {} : { retry: retryField.parse(retry, `${where}: retry`, faults) }),
  };
  if (faults.length > 0) throw new TypeError(faults.join("; "));
  const hasChanges = select !== undefined || retry !== undefined;
  return { version, timeoutMs, changes: hasChanges ? Object.freeze(changes) : undefined, signal };
}

function parseSelect(select: unknown, path: string, faults: string[]): CallChanges {
  const isNode = typeof select === "string" && (select.includes("@") || select === "local");
  if (
    isNode ||
    Array.isArray(select) ||
    (Object(select) as { role?: unknown }).role !== undefined
  ) {
    const nodes: Nodes = nodesField.parse(isNode ? [select] : select, path, faults);
    return { nodes };
  }
  const chooseNodeMode: ChooseNodeMode = chooseNodeModeField.parse(select, path, faults);
  return { chooseNodeMode };
}

function fail(where: string, option: string, expected: string, received: unknown): never {
  throw new TypeError(`${where}: ${option}: expected ${expected}, received ${String(received)}`);
}

const changed = new WeakMap<CalledFunction, Map<string, CalledFunction>>();
/** So many ways of calling one function are remembered, with the turns that their choice has taken. */
const maxRemembered = 100;

/** The function as a call with `changes` goes by it: the same one for the same changes. */
export function changeFunction(called: CalledFunction, changes: CallChanges): CalledFunction {
  let others = changed.get(called);
  if (others === undefined) {
    others = new Map();
    changed.set(called, others);
  }
  const key = JSON.stringify(changes);
  let other = others.get(key);
  if (other === undefined) {
    if (others.size === maxRemembered) others.clear();
    const { service, requestType, group, method, pool, target } = called;
    const config = { ...called.config, ...changes };
    const isElsewhere = changes.nodes !== undefined && changes.nodes !== "local";
    const everywhere = isElsewhere ? clusterGroup(config.mfa.module) : called.clusterGroup;
    other = { service, requestType, group, method, pool, target, config, clusterGroup: everywhere };
    others.set(key, other);
  }
  return other;
}
