import { type ActorContext, type ActorRef, type Ask, toErrorRecord } from "#runtime";
import type { LimiterAnswer } from "./limiter-shard.ts";

/** Whoever counts: a shard, or the quotas of the cluster. */
interface Counter {
  admit(
    numbers: readonly number[],
    values: readonly string[],
  ): LimiterAnswer | Promise<LimiterAnswer>;
  giveBack(numbers: readonly number[], values: readonly string[], receipt: number): unknown;
}

/** How long a request waits for whoever counts it. */
const waitMs = 250;
/** After a silence, how long requests do not wait at all before one tries again. */
const pauseMs = 1_000;

/**
 * One thread's way to one that counts. It never rejects: when there is no answer within 250 ms, or
 * nobody to give one, the answer is null, "it cannot be counted". One that is silent is asked again
 * only once a second, so that a thread that hangs does not hold every request up. Each outage is logged
 * once when it begins and once when it is over.
 */
export class LimiterLink {
  readonly #context: ActorContext;
  readonly #name: string;
  #ref: ActorRef<Counter> | null = null;
  #ask: Ask<Counter> | null = null;
  #isOut = false;
  #silentUntil = Number.NEGATIVE_INFINITY;

  constructor(context: ActorContext, name: string) {
    this.#context = context;
    this.#name = name;
  }

  /** Asks to admit a request; see `LimiterShard.admit`. */
  admit(numbers: readonly number[], values: readonly string[]): Promise<LimiterAnswer> {
    const ref = this.#context.whereis(this.#name) as ActorRef<Counter> | undefined;
    if (ref !== this.#ref || this.#ask === null) {
      if (ref === undefined) return this.#missed("nobody has that name");
      this.#ref = ref;
      this.#ask = ref.askWith({ timeoutMs: waitMs });
      this.#silentUntil = Number.NEGATIVE_INFINITY;
    }
    if (this.#isOut) {
      const now = this.#context.clock.now();
      if (now < this.#silentUntil) return noAnswer;
      // This one tries; the others do not wait for what it finds.
      if (this.#silentUntil > Number.NEGATIVE_INFINITY) this.#silentUntil = now + pauseMs;
    }
    return this.#ask.admit(numbers, values).then(this.#onAnswer, this.#onError);
  }

  /** Takes back what was admitted; lost when the one that counts is. */
  giveBack(numbers: readonly number[], values: readonly string[], receipt: number): void {
    this.#ref?.tell.giveBack(numbers, values, receipt);
  }

  readonly #onAnswer = (answer: LimiterAnswer): LimiterAnswer => {
    if (this.#isOut && answer !== null) {
      this.#isOut = false;
      this.#silentUntil = Number.NEGATIVE_INFINITY;
      this.#context.log("info", "rate limiter counts again", { limiter: this.#name });
    }
    return answer;
  };

  readonly #onError = (error: unknown): Promise<null> => {
    const { code, message } = toErrorRecord(error);
    if (code === "ask_timeout") this.#silentUntil = this.#context.clock.now() + pauseMs;
    return this.#missed(message);
  };

  #missed(reason: string): Promise<null> {
    if (!this.#isOut) {
      this.#isOut = true;
      const fields = { limiter: this.#name, error: reason };
      this.#context.log("warn", "rate limiter does not answer", fields);
    }
    return noAnswer;
  }
}

const noAnswer: Promise<null> = Promise.resolve(null);
