/** The event that tells a client that it misses messages of a group. */
export const gapEvent = "relay_gap";

/** `slow`: the client did not take what it was sent; `lost`: nobody has it any more. */
type GapReason = "slow" | "lost";

/** Messages that a client misses. */
export interface Gap {
  /** The first offset. */
  readonly from: number;
  readonly reason: GapReason;
}

/**
 * JSON of a gap marker. The messages `from` … `to` are missing; what follows goes on behind `to`, under
 * `epoch`. With `lost`, `from` may be behind `to`: then none is known to be missing, but the epoch
 * is another one.
 */
export function encodeGap(
  groupId: string,
  epoch: string,
  { from, reason }: Gap,
  to: number,
): string {
  return JSON.stringify({ group_id: groupId, epoch, from, to, reason });
}

/** A gap behind which there is another one, as one. */
export function joinGaps(first: Gap | null, second: Gap): Gap {
  if (first === null) return second;
  const reason = first.reason === "lost" ? first.reason : second.reason;
  return { from: first.from, reason };
}
