import type { Random } from "#runtime";
import type { Retry } from "../registry/index.ts";
import type { AttemptEnd } from "./call-failure.ts";

/** What decides whether an attempt is followed by another. */
export interface RetrySituation {
  /** How the last attempt ended. */
  readonly end: AttemptEnd;
  readonly retry: Retry | null;
  readonly idempotent: boolean;
  /** Retries made so far; passing on to another replica is none. */
  readonly retries: number;
  /** Whether there is a replica that this round has not asked and that may be asked. */
  readonly hasOther: boolean;
  /** What is left of the deadline, ms. */
  readonly leftMs: number;
  /** Whether the retry budget has room. */
  readonly hasBudget: boolean;
}

/** What stopped a call that might have been retried. */
export type RetryLimit = "retries" | "budget" | "deadline";

/**
 * - `fail`: the failure stands; `limit` is null where the function allows no retry of it.
 * - `pass_on`: to a replica not yet asked, at once; nothing has happened so far.
 * - `retry`: after a backoff, on the same replica or at least its node, or on any.
 */
export type RetryDecision =
  | { readonly action: "fail"; readonly limit: RetryLimit | null }
  | { readonly action: "pass_on" }
  | { readonly action: "retry"; readonly on: "same" | "any" };

const FINAL: RetryDecision = Object.freeze({ action: "fail", limit: null });
const PASS_ON: RetryDecision = Object.freeze({ action: "pass_on" });

/**
 * What follows an attempt that failed. What was not begun is passed on, whatever the function; what
 * may have been begun is repeated only for functions that say so: after a loss those with `retry` or
 * `idempotent` (once at each replica, without `retry`), after an error of their own those with
 * `retry`. Answers, timeouts and cancellations are never repeated, nor what an open breaker refused.
 */
export function decideRetry(situation: RetrySituation): RetryDecision {
  const { end, retry, idempotent, retries, hasOther, leftMs, hasBudget } = situation;
  switch (end) {
    case "refused":
    case "mismatched":
      return hasOther && leftMs > 0 ? PASS_ON : FINAL;
    case "not_taken":
      if (hasOther && leftMs > 0) return PASS_ON;
      if (retry === null) return FINAL;
      break;
    case "lost":
      if (retry !== null) break;
      if (!idempotent || (!hasOther && retries === 0)) return FINAL;
      if (!hasOther) return { action: "fail", limit: "retries" };
      break;
    case "no_replica":
    case "failed":
      if (retry === null) return FINAL;
      break;
    default:
      return FINAL;
  }
  if (retry !== null && retries >= countRetries(retry)) return { action: "fail", limit: "retries" };
  if (!(leftMs > 0)) return { action: "fail", limit: "deadline" };
  if (!hasBudget) return { action: "fail", limit: "budget" };
  return { action: "retry", on: retry !== null && "sameNode" in retry ? "same" : "any" };
}

function countRetries(retry: Retry): number {
  return "sameNode" in retry ? retry.sameNode : retry.allNodes;
}

/** The bound of the first wait; it doubles with each retry. */
const BACKOFF_MS = 100;

/**
 * How long to wait before retry number `retries`, counted from 0: anything between 0 and 100 ms ×
 * 2^retries ("full jitter", M. Brooker, 2015), and always less than what is left of the deadline.
 */
export function decideBackoff(retries: number, leftMs: number, random: Random): number {
  return random() * Math.min(BACKOFF_MS * 2 ** retries, leftMs);
}
