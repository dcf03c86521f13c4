/** The role of nodes that offer their services to the others. */
export const serviceRole = "service";

/** How functions are fetched from other nodes; what is absent has its default. */
export interface PullOptions {
  /** False: only what is pushed is known; default true. */
  readonly enabled?: boolean;
  /** Between two looks at the same node, ms; default 30,000. */
  readonly intervalMs?: number;
  /** For each answer of a node, ms; default 5,000. */
  readonly timeoutMs?: number;
  /**
   * Whom to ask: nodes by name, or those of a role. Default: those of the role `service`; but none
   * where there is a `pushToken`, as who fetches asks for no token.
   */
  readonly nodes?: readonly string[] | { readonly role: string };
}

/** What a node is told of the exchange of functions. */
export interface ExchangeOptions {
  /** Those of this node; with `service` among them its own functions are offered to the others. */
  readonly roles: readonly string[];
  /** What whoever pushes has to know, and what this node says when it pushes; null: nothing. */
  readonly pushToken?: string | null;
  /** For each answer to a push, ms; default 5,000. */
  readonly pushTimeoutMs?: number;
  readonly pull?: PullOptions;
}

/** The longest wait between two attempts at a node that does not answer, ms. */
const maxBackoffMs = 300_000;

/**
 * The wait after `failures` attempts in a row that failed, ms: `baseMs` doubled with each, up to
 * `limitMs`; `baseMs` itself after none.
 */
export function decideWait(
  failures: number,
  baseMs: number,
  limitMs: number = maxBackoffMs,
): number {
  return Math.min(limitMs, baseMs * 2 ** Math.min(failures, 30));
}
