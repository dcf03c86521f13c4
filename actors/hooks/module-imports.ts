import { type Clock, type ReadonlyTable, toErrorRecord } from "#runtime";
import { resolveModuleAccess } from "./module-access.ts";

/** What a module exports, or why that is not known; the reason is for the log. */
export type ImportOutcome =
  | { readonly ok: true; readonly namespace: object }
  | { readonly ok: false; readonly reason: string };

/** One import of a module, for all who call its functions. */
interface Load {
  readonly outcome: Promise<ImportOutcome>;
  /** The URL that access was granted to; null before, and when it was not. */
  url: string | null;
  isPending: boolean;
  /** On the clock's `now`: when it no longer stands. */
  retryAt: number;
}

/** How often the module of a URL was evaluated in vain, and what it threw the last time. */
interface Attempts {
  readonly count: number;
  readonly error: unknown;
}

/** How long a failure stands for all calls, ms. */
const RETRY_MS = 1_000;

/** The same, ms, for a module that has been evaluated {@link MAX_QUICK_ATTEMPTS} times. */
const SLOW_RETRY_MS = 60_000;

/** No module that was evaluated is ever freed: one that always throws must not fill the memory. */
const MAX_QUICK_ATTEMPTS = 100;

/**
 * The modules that configurations name, as one thread has imported them: once each, if
 * {@link resolveModuleAccess} admits it, which is asked again whenever the trusted folders change.
 * A failure stands for a second, then the next call tries again. Node.js remembers for good what a
 * module threw while it was evaluated: such a module is evaluated anew under a URL of its own. The
 * modules that it imports in turn are not, and those that threw have failed until the thread ends.
 */
export class ModuleImports {
  readonly #clock: Clock;
  readonly #trusted: ReadonlyTable<unknown>;
  readonly #loads = new Map<string, Load>();
  readonly #attempts = new Map<string, Attempts>();

  constructor(clock: Clock, trusted: ReadonlyTable<unknown>) {
    this.#clock = clock;
    this.#trusted = trusted;
    trusted.onChange(() => this.#loads.clear());
  }

  /** The exports of a module, as soon as they are there. Never rejects. */
  load(module: string): Promise<ImportOutcome> {
    const known = this.#loads.get(module);
    if (known !== undefined && this.#clock.now() < known.retryAt) return known.outcome;
    const { promise, resolve } = Promise.withResolvers<ImportOutcome>();
    const load = { outcome: promise, url: null, isPending: true, retryAt: Infinity };
    this.#loads.set(module, load);
    void this.#import(module, load).then(resolve);
    return promise;
  }

  /** Somebody has waited in vain: an import that is still pending has failed as well. */
  giveUp(module: string): void {
    const load = this.#loads.get(module);
    if (load === undefined || !load.isPending || load.retryAt !== Infinity) return;
    load.retryAt = this.#clock.now() + RETRY_MS;
    if (load.url === null) return;
    const count = (this.#attempts.get(load.url)?.count ?? 0) + 1;
    this.#attempts.set(load.url, { count, error: promiseThatHangs });
  }

  async #import(module: string, load: Load): Promise<ImportOutcome> {
    const trusted = Array.from(this.#trusted.entries(), ([url]) => url);
    const access = resolveModuleAccess(module, trusted);
    if (!access.ok) {
      load.isPending = false;
      load.retryAt = this.#clock.now() + RETRY_MS;
      return access;
    }
    const { url } = access;
    load.url = url;
    try {
      return { ok: true, namespace: await this.#evaluate(url) };
    } catch (error) {
      const isSlow = (this.#attempts.get(url)?.count ?? 0) >= MAX_QUICK_ATTEMPTS;
      load.retryAt = this.#clock.now() + (isSlow ? SLOW_RETRY_MS : RETRY_MS);
      const { name, message } = toErrorRecord(error);
      return { ok: false, reason: `cannot import ${url}: ${name}: ${message}` };
    } finally {
      load.isPending = false;
    }
  }

  async #evaluate(url: string): Promise<object> {
    const { count, error: known } = this.#attempts.get(url) ?? { count: 0, error: nothing };
    try {
      return await import(urlOfAttempt(url, count));
    } catch (error) {
      if (error !== known) {
        this.#attempts.set(url, { count, error });
        throw error;
      }
    }
    // The very same error: nothing was evaluated this time.
    try {
      return await import(urlOfAttempt(url, count + 1));
    } catch (error) {
      this.#attempts.set(url, { count: count + 1, error });
      throw error;
    }
  }
}

const nothing = Symbol("nothing was thrown yet");
const promiseThatHangs = Symbol("the import did not end");

function urlOfAttempt(url: string, count: number): string {
  if (count === 0) return url;
  return `${url}${url.includes("?") ? "&" : "?"}attempt=${count}`;
}
