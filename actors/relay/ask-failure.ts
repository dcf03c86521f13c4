import { toErrorRecord } from "#runtime";

/** Nobody was there to take the message: nothing has happened, and somebody else may take it. */
const absent: readonly string[] = ["no_actor", "actor_stopped", "unreachable"];
/** Whoever is there has too much to do: nothing has happened either. */
const busy: readonly string[] = ["mailbox_full", "link_full"];

/**
 * What an ask that failed has done: `absent` and `busy`, nothing; `unclear`, it may have been worked
 * on, or the answer is an error.
 */
export type AskFailure = "absent" | "busy" | "unclear";

/** What is known of an ask that failed with `error`. */
export function selectAskFailure(error: unknown): AskFailure {
  const { code } = toErrorRecord(error);
  if (absent.includes(code)) return "absent";
  return busy.includes(code) ? "busy" : "unclear";
}
