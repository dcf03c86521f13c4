import type { ActorContext } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { selectShard } from "./key-hash.ts";
import { type LimitedCall, selectLimitValue } from "./limit-key.ts";
import { type LimitPlan, type LimitView, limitViewOf, type NumberedRule } from "./limit-view.ts";
import { LimiterLink } from "./limiter-link.ts";
import { type LimiterAnswer, limiterPrefix } from "./limiter-shard.ts";
import { quotaName } from "./quota-limiter.ts";

/** A request over its limit. */
export interface LimitRefusal {
  /** Until all rules have room for it, > 0; as things stand now. */
  readonly retryAfterMs: number;
  /** The rule that has no room for longest. */
  readonly ruleId: string;
  /** The key of that rule. */
  readonly key: string;
}

/** When a request is to come back that could not be counted, and must not pass uncounted. */
const uncountedRetryMs = 1_000;

/** The part of a request's rules that is counted in one place. */
interface Share {
  readonly link: LimiterLink;
  readonly rules: readonly NumberedRule[];
  readonly numbers: readonly number[];
  readonly values: readonly string[];
}

interface OpenShare extends Share {
  readonly rules: NumberedRule[];
  readonly numbers: number[];
  readonly values: string[];
}

/**
 * Checks requests against the rate limits: one for each thread. The requests of one value of a key
 * are counted in one place, whatever thread they come in on.
 *
 * Where several rules apply, all of them count the request or none does: the shards are asked at
 * once, Redis only when they all had room, and what some had admitted is given back when another
 * refuses. A request that is on its way to be refused may take the room of another one for that
 * moment; none is ever admitted too many.
 */
export class RateLimits {
  readonly #context: ActorContext;
  readonly #view: LimitView;
  readonly #links: LimiterLink[] = [];
  readonly #quotas: LimiterLink;

  private constructor(context: ActorContext) {
    this.#context = context;
    this.#view = limitViewOf(context);
    this.#quotas = new LimiterLink(context, quotaName);
  }

  /** The one of the thread of `context`. */
  static of(context: ActorContext): RateLimits {
    const view = limitViewOf(context);
    let limits = instances.get(view);
    if (limits === undefined) {
      limits = new RateLimits(context);
      instances.set(view, limits);
    }
    return limits;
  }

  /**
   * Counts a request. Null: it may go on; at once, and nothing is allocated, when no rule applies.
   * Never rejects. Where a count cannot be had within 250 ms (500 ms where Redis is asked as well), the
   * setting `failOpen` decides: the request goes on, or is refused for a second.
   */
  check(call: LimitedCall): LimitRefusal | null | Promise<LimitRefusal | null> {
    const plan = this.#view.plan(call.service, call.requestType);
    if (plan === null) return null;
    if (telemetry.rateLimiterCheck.hasSubscribers || telemetry.rateLimiterExceeded.hasSubscribers) {
      return this.#observed(plan, call);
    }
    return this.#check(plan, call);
  }

  #check(plan: LimitPlan, call: LimitedCall): Promise<LimitRefusal | null> {
    if (plan.clusterRules.length > 0) return this.#checkCluster(plan, call);
    const { rules, numbers } = plan;
    const values = selectValues(rules, call);
    const shard = this.#oneShard(values);
    if (shard < 0) {
      return this.#checkShares(this.#split(rules, values)).then(({ refusal }) => refusal);
    }
    const link = this.#link(shard);
    return link.admit(numbers, values).then((answer) => this.#decide(rules, answer));
  }

  /** The shards at once, then Redis: what they refuse costs nothing there. */
  async #checkCluster(plan: LimitPlan, call: LimitedCall): Promise<LimitRefusal | null> {
    const { rules, clusterRules, clusterNumbers } = plan;
    const shares = this.#split(rules, selectValues(rules, call));
    const local = await this.#checkShares(shares);
    if (local.refusal !== null) return local.refusal;
    const values = selectValues(clusterRules, call);
    const answer = await this.#quotas.admit(clusterNumbers, values);
    const refusal = this.#decide(clusterRules, answer);
    if (refusal !== null) giveBack(shares, local.answers);
    return refusal;
  }

  /** All shards at once; when one refuses, what the others admitted has been given back. */
  async #checkShares(shares: readonly Share[]): Promise<{
    readonly refusal: LimitRefusal | null;
    readonly answers: readonly LimiterAnswer[];
  }> {
    const asked = shares.map(({ link, numbers, values }) => link.admit(numbers, values));
    const answers = await Promise.all(asked);
    let refusal: LimitRefusal | null = null;
    for (const [index, { rules }] of shares.entries()) {
      const own = this.#decide(rules, answers[index] ?? null);
      if (own !== null && (refusal === null || own.retryAfterMs > refusal.retryAfterMs)) {
        refusal = own;
      }
    }
    if (refusal !== null) giveBack(shares, answers);
    return { refusal, answers };
  }

  #decide(rules: readonly NumberedRule[], answer: LimiterAnswer): LimitRefusal | null {
    if (typeof answer === "number") return null;
    if (answer === null && this.#view.settings.failOpen) return null;
    const [index, retryAfterMs] = answer ?? [0, uncountedRetryMs];
    const { id, key } = rules[index] as NumberedRule;
    return { retryAfterMs, ruleId: id, key };
  }

  /** The shard that counts all the values; -1 when there are several. */
  #oneShard(values: readonly string[]): number {
    const { shards } = this.#view.settings;
    let only = -1;
    let previous: string | undefined;
    for (const value of values) {
      if (value === previous) continue;
      previous = value;
      const shard = selectShard(value, shards);
      if (only >= 0 && shard !== only) return -1;
      only = shard;
    }
    return only;
  }

  #split(rules: readonly NumberedRule[], values: readonly string[]): Share[] {
    const shares = new Map<number, OpenShare>();
    for (const [index, rule] of rules.entries()) {
      const value = values[index] as string;
      const shard = selectShard(value, this.#view.settings.shards);
      let share = shares.get(shard);
      if (share === undefined) {
        share = { link: this.#link(shard), rules: [], numbers: [], values: [] };
        shares.set(shard, share);
      }
      share.rules.push(rule);
      share.numbers.push(rule.number);
      share.values.push(value);
    }
    return [...shares.values()];
  }

  #link(shard: number): LimiterLink {
    let link = this.#links[shard];
    if (link === undefined) {
      link = new LimiterLink(this.#context, `${limiterPrefix}${shard + 1}`);
      this.#links[shard] = link;
    }
    return link;
  }

  async #observed(plan: LimitPlan, call: LimitedCall): Promise<LimitRefusal | null> {
    const { clock } = this.#context;
    const startedAt = clock.now();
    const refusal = await this.#check(plan, call);
    const { service, requestType, userId } = call;
    const subject = { service, request_type: requestType, user_id: userId };
    telemetry.rateLimiterCheck.publish({
      measurements: {
        duration_us: Math.round((clock.now() - startedAt) * 1_000),
        rules: plan.rules.length + plan.clusterRules.length,
      },
      metadata: { ...subject, allowed: refusal === null },
    });
    if (refusal === null) return null;
    const { retryAfterMs, ruleId, key } = refusal;
    telemetry.rateLimiterExceeded.publish({
      measurements: { retry_after_ms: Math.ceil(retryAfterMs) },
      metadata: { ...subject, rule: ruleId, key },
    });
    return refusal;
  }
}

const instances = new WeakMap<LimitView, RateLimits>();

function giveBack(shares: readonly Share[], answers: readonly LimiterAnswer[]): void {
  for (const [index, { link, numbers, values }] of shares.entries()) {
    const receipt = answers[index];
    if (typeof receipt === "number") link.giveBack(numbers, values, receipt);
  }
}

function selectValues(rules: readonly NumberedRule[], call: LimitedCall): string[] {
  const values: string[] = [];
  let key = "";
  let value = "";
  for (const rule of rules) {
    // Most rules of a plan look at the same key.
    if (rule.key !== key) {
      key = rule.key;
      value = selectLimitValue(key, call);
    }
    values.push(value);
  }
  return values;
}
