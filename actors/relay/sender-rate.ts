import { type Few, FewBy } from "./few.ts";

const windowMs = 1_000;

/** When one sender's last messages were admitted: a ring that grows to the messages of a second. */
interface SendTimes {
  readonly userId: string;
  readonly times: number[];
  /** Where in a full ring the oldest lies. */
  oldest: number;
}

const byUser = new FewBy(({ userId }: SendTimes) => userId);

/**
 * How many messages a second each sender may send: a sliding window that is exact, so in no second,
 * whenever it begins, more than `maxPerSecond` of a sender are admitted, and one that keeps to that
 * is never refused. Refused messages do not count.
 *
 * Memory: the senders of the last second or two in which anyone sent, with 8 bytes for each message
 * of a second at most.
 */
export class SenderRate {
  readonly #maxPerSecond: number | null;
  // Two generations: who has not sent in the last second is in the older one, or nowhere.
  #recent: Few<string, SendTimes> = null;
  #older: Few<string, SendTimes> = null;
  #recentSince = Number.NEGATIVE_INFINITY;

  /**
   * @param maxPerSecond null: no limit.
   * @throws RangeError for anything but null or a whole number from 1 on.
   */
  constructor(maxPerSecond: number | null) {
    if (maxPerSecond !== null && !(Number.isSafeInteger(maxPerSecond) && maxPerSecond >= 1)) {
      throw new RangeError(
        `maxPerSecond: expected a whole number from 1 on or null, received ${maxPerSecond}`,
      );
    }
    this.#maxPerSecond = maxPerSecond;
  }

  /**
   * Admits a message, 0, or says in how many ms, rounded up, one will be.
   * @param now ms of one monotonic clock
   */
  admit(userId: string, now: number): number {
    const max = this.#maxPerSecond;
    if (max === null) return 0;
    const sent = this.#sendTimes(userId, now);
    if (sent.times.length < max) {
      sent.times.push(now);
      return 0;
    }
    const waitMs = Math.ceil((sent.times[sent.oldest] as number) + windowMs - now);
    if (waitMs > 0) return waitMs;
    sent.times[sent.oldest] = now;
    sent.oldest = (sent.oldest + 1) % max;
    return 0;
  }

  #sendTimes(userId: string, now: number): SendTimes {
    if (now - this.#recentSince >= windowMs) {
      this.#older = this.#recent;
      this.#recent = null;
      this.#recentSince = now;
    }
    const known = byUser.get(this.#recent, userId);
    if (known !== undefined) return known;
    const sent = byUser.get(this.#older, userId) ?? { userId, times: [], oldest: 0 };
    this.#recent = byUser.set(this.#recent, sent);
    return sent;
  }
}
