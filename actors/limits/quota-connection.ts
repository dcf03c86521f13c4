import Bottleneck from "bottleneck";
import { Redis } from "ioredis";

/** A quota of one value: `maxRequests` in a window, under a name that all gateways give it. */
export interface Quota {
  readonly name: string;
  readonly maxRequests: number;
  readonly windowMs: number;
}

/** A Bottleneck limiter, and what its reservoir held when it was last heard of. */
interface Limiter {
  readonly bottleneck: Bottleneck;
  left: number;
}

const longestReconnectMs = 2_000;
/**
 * A limiter's sign of life for those that queue, which none here does: an hour apart. Its default, 5 s,
 * would be most of what Redis hears.
 */
const heartbeatMs = 3_600_000;

/** What scripts say when Redis has forgotten a quota, or this gateway's part in it. */
const lostStates = /SETTINGS_KEY_NOT_FOUND|UNKNOWN_CLIENT/;

/**
 * A connection to Redis with the Bottleneck limiters that live on it, one for each quota that was
 * asked for. The counts are in Redis alone: the limiters can go with the connection at any time.
 */
export class QuotaConnection {
  readonly #client: Redis;
  readonly #connection: Bottleneck.IORedisConnection;
  readonly #limiters = new Map<string, Limiter>();
  /** How many limiters have been made here; those that were given up still take memory. */
  made = 0;

  /**
   * Connects, and connects again whenever the connection is lost; `onChange` hears of both. Redis may
   * take `timeoutMs` for one command.
   */
  constructor(
    url: string,
    timeoutMs: number,
    onChange: (isReady: boolean, reason: string) => void,
  ) {
    this.#client = new Redis(url, {
      commandTimeout: timeoutMs,
      connectTimeout: longestReconnectMs,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), longestReconnectMs),
    });
    this.#client.on("ready", () => onChange(true, ""));
    this.#client.on("close", () => onChange(false, "the connection was closed"));
    this.#client.on("error", (error) => onChange(false, error.message || String(error)));
    this.#connection = new Bottleneck.IORedisConnection({ client: this.#client });
  }

  get isReady(): boolean {
    return this.#client.status === "ready";
  }

  /**
   * Takes one from a quota: 0 when there was one, else the ms until its window ends and it is full
   * again. Rejects when Redis does not answer.
   */
  async take(quota: Quota, wallTime: number): Promise<number> {
    return this.#use(quota, async (limiter) => {
      // Taking below zero is harmless, but only a look gives others' returns a chance.
      if (limiter.left > 0 || (await limiter.bottleneck.check(1))) {
        limiter.left = Number(await limiter.bottleneck.incrementReservoir(-1));
        if (limiter.left >= 0) return 0;
      }
      return Math.max(1, await this.#untilRefresh(quota, wallTime));
    });
  }

  /** Gives one back that was taken; lost when others have been refused since. */
  async giveBack(quota: Quota): Promise<void> {
    return this.#use(quota, async (limiter) => {
      const left = Number(await limiter.bottleneck.incrementReservoir(1));
      // It was taken from the window before: this one is full, and must not be fuller.
      if (left > quota.maxRequests) await limiter.bottleneck.incrementReservoir(-1);
    });
  }

  /** What is left of a quota, and the ms until it is full again. */
  async look(quota: Quota, wallTime: number): Promise<{ left: number; resetMs: number }> {
    return this.#use(quota, async ({ bottleneck }) => {
      const left = Math.max(0, Number(await bottleneck.currentReservoir()));
      const resetMs = left < quota.maxRequests ? await this.#untilRefresh(quota, wallTime) : 0;
      return { left, resetMs: Math.max(0, resetMs) };
    });
  }

  /** Begins a quota anew; false when nothing had been taken. */
  async reset(quota: Quota, wallTime: number): Promise<boolean> {
    const { left } = await this.look(quota, wallTime);
    if (left >= quota.maxRequests) return false;
    // The next script of any gateway finds nothing there, and begins anew.
    await this.#client.del(settingsKey(quota));
    this.#limiter(quota).left = quota.maxRequests;
    return true;
  }

  /** Lets go of Redis; what is on its way fails. */
  async close(): Promise<void> {
    this.#limiters.clear();
    await this.#connection.disconnect(false);
  }

  async #untilRefresh(quota: Quota, wallTime: number): Promise<number> {
    const refreshedAt = await this.#client.hget(settingsKey(quota), "lastReservoirRefresh");
    return Number(refreshedAt ?? wallTime) + quota.windowMs - wallTime;
  }

  async #use<T>(quota: Quota, work: (limiter: Limiter) => Promise<T>): Promise<T> {
    const limiter = await this.#begun(quota);
    try {
      return await work(limiter);
    } catch (error) {
      // Bottleneck's own way to begin again looks for the bare words; Redis 7 puts ERR before them.
      if (!(error instanceof Error && lostStates.test(error.message))) throw error;
      this.#drop(quota, limiter);
      return work(await this.#begun(quota));
    }
  }

  async #begun(quota: Quota): Promise<Limiter> {
    const limiter = this.#limiter(quota);
    try {
      await limiter.bottleneck.ready();
    } catch (error) {
      // It would fail for ever; the next one begins again.
      this.#drop(quota, limiter);
      throw error;
    }
    return limiter;
  }

  #drop({ name }: Quota, limiter: Limiter): void {
    if (this.#limiters.get(name) === limiter) this.#limiters.delete(name);
  }

  #limiter(quota: Quota): Limiter {
    let limiter = this.#limiters.get(quota.name);
    if (limiter !== undefined) return limiter;
    const { name, maxRequests, windowMs } = quota;
    // Redis forgets the quota when nobody has used it for so long: not before its window is over.
    const idleMs = 2 * windowMs + 60_000;
    const bottleneck = new Bottleneck({
      id: name,
      connection: this.#connection,
      reservoir: maxRequests,
      reservoirRefreshAmount: maxRequests,
      reservoirRefreshInterval: windowMs,
      highWater: 0,
      strategy: Bottleneck.strategy.OVERFLOW,
      heartbeatInterval: heartbeatMs,
      clientTimeout: idleMs,
      timeout: idleMs,
    });
    limiter = { bottleneck, left: maxRequests };
    this.#limiters.set(name, limiter);
    this.made += 1;
    return limiter;
  }
}

/** Where Bottleneck keeps a limiter's state. */
function settingsKey({ name }: Quota): string {
  return `b_${name}_settings`;
}
