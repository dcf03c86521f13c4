import { Actor, toErrorRecord } from "#runtime";
import { limitViewOf, type NumberedRule } from "./limit-view.ts";
import type { LimiterAnswer } from "./limiter-shard.ts";
import type { Quota, QuotaConnection } from "./quota-connection.ts";
import type { KeyUsage } from "./window-store.ts";

/** The registered name of the {@link QuotaLimiter}. */
export const quotaName = "quota";

/** What the quotas of this node have done since it started. */
export interface QuotaStatistics {
  /** Whether Redis answers. */
  readonly isConnected: boolean;
  /** Bottleneck limiters in memory. */
  readonly limiters: number;
  /** Requests that asked. */
  readonly checked: number;
  readonly refused: number;
  /** Requests that could not be counted. */
  readonly uncounted: number;
  readonly outages: number;
}

/** Where the quotas are counted. */
export interface QuotaOptions {
  /** `redis://…` or `rediss://…`. */
  readonly url: string;
  /** Limiters, some 7 KB each, after which they all go and a new connection begins; 4,096. */
  readonly maxLimiters?: number;
  /** How long Redis may take in all, ms; 200. */
  readonly timeoutMs?: number;
}

/** A request waits a little longer for the answer. */
const defaultTimeoutMs = 200;
/** Most requests on their way to Redis. */
const maxInFlight = 10_000;
const defaultMaxLimiters = 4_096;
/** Time for what is on its way over a connection that is replaced. */
const retireMs = 1_000;

/**
 * Counts the rules of scope `cluster` for all gateways that share a Redis, with Bottleneck. One
 * value of a key under one rule is a reservoir of `maxRequests` that each request takes one from,
 * in one script in Redis: nothing ever queues, and no two gateways take the same one.
 *
 * A reservoir is a **fixed window**, unlike the node's own limits: it is filled up again `windowMs`
 * after its window began (with the first request after the last window's end). In each such window
 * at most `maxRequests` pass; in a span of `windowMs` across the border of two, up to twice as many.
 * The windows are measured on the gateways' wall clocks: one that is ahead fills up early.
 *
 * When Redis does not answer within 200 ms the request cannot be counted, and `failOpen` decides;
 * while the connection is lost nobody waits at all. An outage is logged once when it begins and once
 * when it is over. A rule with other numbers is another reservoir, so its counting begins anew.
 */
export class QuotaLimiter extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #url: string;
  readonly #maxLimiters: number;
  readonly #timeoutMs: number;
  readonly #view = limitViewOf(this.context);
  #connector!: typeof QuotaConnection;
  #connection!: QuotaConnection;
  /** Takes over as soon as it is connected. */
  #next: QuotaConnection | null = null;
  /** Those that were replaced, for as long as something may be on its way over them. */
  readonly #retired = new Set<QuotaConnection>();
  #isOut = false;
  #isStopping = false;
  #inFlight = 0;
  #checked = 0;
  #refused = 0;
  #uncounted = 0;
  #outages = 0;

  constructor(options: QuotaOptions) {
    super();
    const { url, maxLimiters = defaultMaxLimiters, timeoutMs = defaultTimeoutMs } = options;
    this.#url = url;
    this.#timeoutMs = timeoutMs;
    this.#maxLimiters = maxLimiters;
  }

  protected override async init(): Promise<void> {
    // Redis' client is much code, which threads without quotas are spared.
    this.#connector = (await import("./quota-connection.ts")).QuotaConnection;
    this.#connection = this.#connect();
  }

  /** As `LimiterShard.admit`. What was taken before another rule refused is given back. */
  async admit(numbers: readonly number[], values: readonly string[]): Promise<LimiterAnswer> {
    this.#checked += 1;
    const { clock } = this.context;
    const rules = this.#rules(numbers);
    const waits = await this.#within(
      rules.map((rule, index) => async (connection: QuotaConnection) => {
        if (rule === undefined) return 0;
        return connection.take(quotaOf(rule, values[index] as string), clock.wallTime());
      }),
    );
    if (waits === null) {
      this.#uncounted += 1;
      return null;
    }
    const longest = Math.max(...waits);
    if (longest <= 0) return 0;
    this.#refused += 1;
    for (const [index, wait] of waits.entries()) {
      if (wait === 0) void this.#return(rules[index], values[index] as string);
    }
    return [waits.indexOf(longest), longest];
  }

  /** Gives back what was admitted; as far as it can be, see {@link QuotaConnection.giveBack}. */
  async giveBack(numbers: readonly number[], values: readonly string[]): Promise<void> {
    const rules = this.#rules(numbers);
    await Promise.all(rules.map((rule, index) => this.#return(rule, values[index] as string)));
  }

  /** What a value has used under each of the rules; null when Redis does not answer. */
  usage(numbers: readonly number[], value: string): Promise<KeyUsage[] | null> {
    const { clock } = this.context;
    return this.#within(
      this.#rules(numbers).map((rule) => async (connection: QuotaConnection) => {
        if (rule === undefined) return { used: 0, resetMs: 0, retryAfterMs: 0 };
        const { left, resetMs } = await connection.look(quotaOf(rule, value), clock.wallTime());
        const used = rule.maxRequests - left;
        return { used, resetMs, retryAfterMs: left === 0 ? resetMs : 0 };
      }),
    );
  }

  /** As `LimiterShard.reset`, for all gateways; null when Redis does not answer. */
  async reset(numbers: readonly number[], value: string): Promise<number | null> {
    const { clock } = this.context;
    const done = await this.#within(
      this.#rules(numbers).map((rule) => async (connection: QuotaConnection) => {
        return rule !== undefined && connection.reset(quotaOf(rule, value), clock.wallTime());
      }),
    );
    return done === null ? null : done.filter((wasUsed) => wasUsed).length;
  }

  statistics(): QuotaStatistics {
    return {
      isConnected: this.#connection.isReady,
      limiters: this.#connection.made,
      checked: this.#checked,
      refused: this.#refused,
      uncounted: this.#uncounted,
      outages: this.#outages,
    };
  }

  protected override async terminate(): Promise<void> {
    this.#isStopping = true;
    const connections = [this.#connection, this.#next, ...this.#retired];
    await Promise.all(connections.map((connection) => connection?.close()));
  }

  #rules(numbers: readonly number[]): (NumberedRule | undefined)[] {
    return numbers.map((number) => this.#view.byNumber.get(number));
  }

  async #return(rule: NumberedRule | undefined, value: string): Promise<void> {
    if (rule === undefined) return;
    const quota = quotaOf(rule, value);
    await this.#within([(connection: QuotaConnection) => connection.giveBack(quota)]);
  }

  /** Does the work within the deadline, all at once; null when Redis fails or is too slow. */
  async #within<T>(
    work: readonly ((connection: QuotaConnection) => Promise<T>)[],
  ): Promise<T[] | null> {
    const connection = this.#connection;
    if (!connection.isReady || this.#inFlight >= maxInFlight) return null;
    this.#renew();
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = this.context.after(this.#timeoutMs, () => resolve(null));
    this.#inFlight += 1;
    const done = Promise.all(work.map((part) => part(connection))).catch((error: unknown) => {
      this.context.log("debug", "quota failed", { error: toErrorRecord(error).message });
      return null;
    });
    // It is in flight until Redis has answered, however long nobody has waited for it any more.
    void done.then(() => {
      this.#inFlight -= 1;
    });
    const outcome = await Promise.race([done, late]);
    timer.cancel();
    return outcome;
  }

  /** Bounds the limiters: when there are too many, a new connection begins with none. */
  #renew(): void {
    if (this.#connection.made < this.#maxLimiters || this.#next !== null) return;
    this.#next = this.#connect();
  }

  #connect(): QuotaConnection {
    const connection = new this.#connector(this.#url, this.#timeoutMs, (isReady, reason) => {
      if (connection === this.#next && isReady) this.#takeOver(connection);
      if (connection === this.#connection) this.#onChange(isReady, reason);
    });
    return connection;
  }

  #takeOver(next: QuotaConnection): void {
    const old = this.#connection;
    this.#connection = next;
    this.#next = null;
    this.#retired.add(old);
    this.context.after(retireMs, async () => {
      await old.close();
      this.#retired.delete(old);
    });
  }

  #onChange(isReady: boolean, reason: string): void {
    if (this.#isStopping || isReady === !this.#isOut) return;
    this.#isOut = !isReady;
    if (isReady) this.context.log("info", "Redis counts quotas again");
    else {
      this.#outages += 1;
      this.context.log("warn", "Redis does not count quotas", { error: reason });
    }
  }
}

/** Everything that the count depends on is in the name: gateways that differ do not mix. */
function quotaOf(rule: NumberedRule, value: string): Quota {
  const { id, service, requestType, key, maxRequests, windowMs } = rule;
  const name = JSON.stringify([id, service, requestType, key, maxRequests, windowMs, value]);
  return { name: `troupe-quota:${name}`, maxRequests, windowMs };
}
