/** How a group's channel answers a join. */
export interface JoinAnswer {
  readonly status: "active" | "muted" | "pending";
  readonly epoch: string;
  readonly offset: number;
  /** Only where it was asked for what was missed. */
  readonly recovered?: boolean;
}

/** What a client is told that it is from now on; where it begins to receive, behind which message. */
export interface RelayMembership {
  readonly group_id: string;
  readonly epoch?: string;
  readonly offset?: number;
}

/** What a client is told that it misses. */
export interface RelayGap {
  readonly group_id: string;
  readonly epoch: string;
  /** Null: nobody knows. */
  readonly from: number | null;
  readonly to: number;
  readonly reason: "slow" | "lost";
}

/** Messages `from` … `to` that a member was told it will not get; `from` null: nobody knows. */
export interface Missed {
  readonly epoch: string;
  readonly from: number | null;
  readonly to: number;
}

/**
 * How far a member has come in its group, and everything that went wrong on the way: no message may
 * come twice, and none may be left out without a word of it. Word of it is a gap, or the answer to a
 * join that recovers nothing.
 */
export class OffsetRecord {
  epoch: string | null = null;
  /** Of the last message that it got or was told to miss; null: it is not known where it begins. */
  offset: number | null = null;
  readonly missed: Missed[] = [];
  /** What must not have happened. */
  readonly faults: string[] = [];
  /** The answer of a join says that everything up to here comes. */
  #promised = 0;

  /** A join was answered; `asked` is whether with `since` and `epoch` of this record. */
  joined({ status, epoch, offset, recovered }: JoinAnswer, asked: boolean): void {
    const [since, sinceEpoch] = [this.offset, this.epoch];
    this.epoch = epoch;
    this.#promised = 0;
    if (status === "pending") this.offset = null;
    else if (!asked || since === null) {
      this.offset = offset;
      if (recovered !== undefined) this.#fault(`a join that did not ask is told ${recovered}`);
    } else if (recovered === true) {
      if (epoch !== sinceEpoch) this.#fault(`recovered into epoch ${epoch} from ${sinceEpoch}`);
      if (offset < since) this.#fault(`recovered back to ${offset} from ${since}`);
      this.#promised = offset;
    } else if (recovered === false) {
      if (epoch === sinceEpoch && offset <= since) {
        this.#fault(`not recovered, and nothing missing: since ${since}, now ${offset}`);
      }
      if (offset > since) this.missed.push({ epoch, from: since + 1, to: offset });
      this.offset = offset;
    } else this.#fault("a join that asked is not told whether it is recovered");
  }

  /** A pending one was let in: what is behind `offset` comes. */
  accepted(epoch: string, offset: number | undefined): void {
    if (this.offset !== null) this.#fault(`accepted, though it had ${this.offset} already`);
    if (offset === undefined) this.#fault("accepted, and not told where it begins");
    this.epoch = epoch;
    this.offset = offset ?? null;
  }

  /** A message has come. */
  message(offset: number): void {
    const last = this.offset;
    if (last !== null && offset <= last) this.#fault(`message ${offset} again, after ${last}`);
    else {
      if (last !== null && offset > last + 1) this.#fault(`${last + 1} … ${offset - 1} left out`);
      this.offset = offset;
    }
  }

  /** It is told that messages are missing. */
  gap({ epoch, from, to, reason }: RelayGap): void {
    const last = this.offset;
    const says = `gap ${from} … ${to} (${reason}, ${epoch}) after ${last} (${this.epoch})`;
    const isSameEpoch = epoch === this.epoch;
    if (from !== null && last !== null && from !== last + 1) this.#fault(`${says}: not exact`);
    if (isSameEpoch && from !== null && to < from) this.#fault(`${says}: of nothing`);
    if (isSameEpoch && last !== null && to < last) this.#fault(`${says}: goes back`);
    if (reason === "slow" && !isSameEpoch) this.#fault(`${says}: another epoch`);
    if (from === null || to >= from) this.missed.push({ epoch, from, to });
    this.epoch = epoch;
    this.offset = to;
  }

  /** Whether all that it was promised has come. */
  get isComplete(): boolean {
    return (this.offset ?? this.#promised) >= this.#promised;
  }

  #fault(what: string): void {
    this.faults.push(what);
  }
}
