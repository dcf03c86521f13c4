import { Actor, type ActorRef, ReplyError } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { collectFields } from "../registry/index.ts";
import { selectShard } from "./key-hash.ts";
import { type LimitConfig, noRedis, parseLimitRules } from "./limit-config.ts";
import { encodeLimitValue } from "./limit-key.ts";
import { type LimitRule, parseLimitRule, ruleFields } from "./limit-rule.ts";
import {
  type LimitSettings,
  limitSettingsTable,
  limitsTable,
  type NumberedRule,
  settingsKey,
} from "./limit-view.ts";
import { type LimiterShard, limiterPrefix, type ShardStatistics } from "./limiter-shard.ts";
import { type QuotaLimiter, type QuotaStatistics, quotaName } from "./quota-limiter.ts";
import type { KeyUsage } from "./window-store.ts";

/** The registered name of {@link Limits}. */
export const limitsName = "limits";

/** What `update` may change. */
const { id: _, ...changeable } = ruleFields;

/** The settings and rules in force. */
export interface LimitsInForce {
  readonly enabled: boolean;
  readonly failOpen: boolean;
  readonly rules: readonly LimitRule[];
}

/** What one value of a key has used under one rule. */
export interface LimitStatus extends LimitRule {
  /** Null, as the two below, when whoever counts does not answer. */
  readonly used: number | null;
  readonly remaining: number | null;
  /** Until nothing is used any more; 0 when nothing is. */
  readonly resetMs: number | null;
}

/** The limiters of the node as a whole. */
export interface LimitsStatistics extends LimitsInForce {
  /** Null for one that does not answer. */
  readonly shards: readonly (ShardStatistics | null)[];
  /** Null where there is no Redis, or no answer. */
  readonly quota: QuotaStatistics | null;
}

/**
 * Keeps the rules: the one writer of the table that every thread and shard reads. A change holds on
 * each thread as soon as its turn comes, for what is counted already too. After a restart it goes
 * on from the table.
 */
export class Limits extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #table = this.context.writeTable<NumberedRule>(limitsTable);
  readonly #settingsTable = this.context.writeTable<LimitSettings>(limitSettingsTable);
  readonly #hasRedis: boolean;
  #settings: LimitSettings;

  constructor(config: LimitConfig, shards: number) {
    super();
    this.#hasRedis = config.redis !== null;
    const { enabled, failOpen } = config;
    const before = this.#settingsTable.get(settingsKey);
    this.#settings = { ...(before ?? { enabled, failOpen, lastNumber: 0 }), shards };
    // What was changed since the first start stands.
    if (before === undefined) this.#setAll(config.rules);
    else this.#change({});
  }

  /**
   * Adds a rule; returns it as it stands, with its id.
   * @throws ReplyError `invalid_limit` with a line per fault; `limit_exists` when the id is taken.
   */
  add(input: unknown): LimitRule {
    const rule = this.#parse(input);
    if (this.#table.has(rule.id)) {
      throw new ReplyError("limit_exists", `there is a limit ${rule.id} already`);
    }
    return this.#setAll([rule])[0] as LimitRule;
  }

  /** Removes a rule; false when there is none of that id. What it counted is forgotten. */
  remove(id: string): boolean {
    return this.#table.delete(id);
  }

  /**
   * Changes some fields of a rule; its id stays. Other numbers hold for what is counted already
   * too, as far as the old window goes back; with another key, API or scope counting begins anew.
   * @throws ReplyError `unknown_limit`, `invalid_limit`.
   */
  update(id: string, changes: unknown): LimitRule {
    const rule = this.#table.get(id);
    if (rule === undefined) throw new ReplyError("unknown_limit", `there is no limit ${id}`);
    const faults: string[] = [];
    const given = collectFields(changeable, changes, "limit", faults);
    if (faults.length > 0) throw new ReplyError("invalid_limit", faults.join("\n"));
    const changed: Record<string, unknown> = { ...withoutNumber(rule) };
    for (const [name, { value }] of given) if (value !== null) changed[name] = value;
    return this.#setAll([this.#parse(changed)])[0] as LimitRule;
  }

  /**
   * Makes `inputs` all the rules that there are; one that stays under its id goes on counting.
   * Returns how many there are.
   * @throws ReplyError `invalid_limit`; nothing has changed then.
   */
  replace(inputs: readonly unknown[]): number {
    const faults: string[] = [];
    const lists = [{ name: "limits", list: inputs, isGlobal: null }];
    const rules = parseLimitRules(lists, this.#hasRedis, faults);
    if (faults.length > 0) throw new ReplyError("invalid_limit", faults.join("\n"));
    const kept = new Set(rules.map(({ id }) => id));
    for (const [id] of [...this.#table.entries()]) if (!kept.has(id)) this.#table.delete(id);
    this.#setAll(rules);
    return rules.length;
  }

  /**
   * Turns all limits on or off, or says what becomes of requests that cannot be counted.
   * @throws ReplyError `invalid_limit` for anything but booleans.
   */
  configure(changes: { readonly enabled?: boolean; readonly failOpen?: boolean }): LimitsInForce {
    const { enabled = this.#settings.enabled, failOpen = this.#settings.failOpen } = changes;
    if (typeof enabled !== "boolean" || typeof failOpen !== "boolean") {
      throw new ReplyError("invalid_limit", "enabled, failOpen: expected true or false");
    }
    this.#change({ enabled, failOpen });
    return this.config();
  }

  /** What is in force, the rules in the order in which they were added. */
  config(): LimitsInForce {
    const { enabled, failOpen } = this.#settings;
    return { enabled, failOpen, rules: this.#rules().map(withoutNumber) };
  }

  /** What a value (a user id, an address, …) has used under each of the rules. */
  async status(value: unknown): Promise<LimitStatus[]> {
    const text = encodeLimitValue(value);
    const rules = this.#rules();
    const node = rules.filter(({ scope }) => scope === "node");
    const cluster = rules.filter(({ scope }) => scope === "cluster");
    const usages = await Promise.all([
      settle(this.#shardOf(text)?.ask.usage(numbersOf(node), text)),
      cluster.length === 0 ? null : settle(this.#quota()?.ask.usage(numbersOf(cluster), text)),
    ]);
    return rules.map((rule) => {
      const [list, usage] = rule.scope === "node" ? [node, usages[0]] : [cluster, usages[1]];
      return statusOf(rule, usage?.[list.indexOf(rule)] ?? null);
    });
  }

  /** The limits that hold for every request, with what the limiters hold and have done. */
  async global(): Promise<LimitsStatistics> {
    const statistics = await this.statistics();
    return { ...statistics, rules: statistics.rules.filter(({ service }) => service === null) };
  }

  /** Everything that is in force, and what the limiters hold and have done. */
  async statistics(): Promise<LimitsStatistics> {
    const names = Array.from({ length: this.#settings.shards }, (_, index) => index);
    const [quota, ...shards] = await Promise.all([
      settle(this.#quota()?.ask.statistics()),
      ...names.map((index) => settle(this.#shard(index)?.ask.statistics())),
    ]);
    return { ...this.config(), shards, quota };
  }

  /**
   * Forgets what a value has used, under one rule or all. Returns under how many something was
   * forgotten.
   * @throws ReplyError `unknown_limit`; `limiter_unavailable` when whoever counts does not answer.
   */
  async reset(value: unknown, id?: string): Promise<number> {
    if (id !== undefined && !this.#table.has(id)) {
      throw new ReplyError("unknown_limit", `there is no limit ${id}`);
    }
    const text = encodeLimitValue(value);
    const rules = this.#rules().filter((rule) => id === undefined || rule.id === id);
    const node = numbersOf(rules.filter(({ scope }) => scope === "node"));
    const cluster = numbersOf(rules.filter(({ scope }) => scope === "cluster"));
    const counts = await Promise.all([
      node.length === 0 ? 0 : settle(this.#shardOf(text)?.ask.reset(node, text)),
      cluster.length === 0 ? 0 : settle(this.#quota()?.ask.reset(cluster, text)),
    ]);
    const [own, shared] = counts;
    if (own === null || shared === null) {
      throw new ReplyError("limiter_unavailable", "the limiter did not answer");
    }
    if (telemetry.rateLimiterReset.hasSubscribers) {
      telemetry.rateLimiterReset.publish({
        measurements: { count: own + shared },
        metadata: { value: text, rule: id ?? null },
      });
    }
    return own + shared;
  }

  /**
   * Forgets what all values have used under the rules of scope `node`; what is counted in Redis
   * stays. Returns how many rules count anew.
   */
  resetAll(): number {
    const rules = this.#rules().filter(({ scope }) => scope === "node");
    // Under another number nothing is counted yet.
    let { lastNumber } = this.#settings;
    const numbered = rules.map((rule) => {
      lastNumber += 1;
      return Object.freeze({ ...rule, number: lastNumber });
    });
    this.#change({ lastNumber });
    for (const rule of numbered) this.#table.set(rule.id, rule);
    if (telemetry.rateLimiterReset.hasSubscribers) {
      telemetry.rateLimiterReset.publish({
        measurements: { count: rules.length },
        metadata: { value: null, rule: null },
      });
    }
    return rules.length;
  }

  #parse(input: unknown): LimitRule {
    const outcome = parseLimitRule(input, "limit");
    if (!outcome.ok) throw new ReplyError("invalid_limit", outcome.faults.join("\n"));
    if (outcome.rule.scope === "cluster" && !this.#hasRedis) {
      throw new ReplyError("invalid_limit", `limit.scope: ${noRedis}`);
    }
    return outcome.rule;
  }

  /** Puts rules in force; returns them. */
  #setAll(rules: readonly LimitRule[]): readonly LimitRule[] {
    let { lastNumber } = this.#settings;
    const numbered = rules.map((rule) => {
      const old = this.#table.get(rule.id);
      if (old !== undefined && isSameCount(old, rule)) return { ...rule, number: old.number };
      lastNumber += 1;
      return { ...rule, number: lastNumber };
    });
    // Before the rules: no number is given twice, whatever happens in between.
    this.#change({ lastNumber });
    for (const rule of numbered) this.#table.set(rule.id, Object.freeze(rule));
    return rules;
  }

  #change(changes: Partial<LimitSettings>): void {
    this.#settings = Object.freeze({ ...this.#settings, ...changes });
    this.#settingsTable.set(settingsKey, this.#settings);
  }

  #rules(): NumberedRule[] {
    const rules = [...this.#table.entries()].map(([, rule]) => rule);
    return rules.sort((one, other) => one.number - other.number);
  }

  #shardOf(text: string): ActorRef<LimiterShard> | undefined {
    return this.#shard(selectShard(text, this.#settings.shards));
  }

  #shard(index: number): ActorRef<LimiterShard> | undefined {
    const name = `${limiterPrefix}${index + 1}`;
    return this.context.whereis(name) as ActorRef<LimiterShard> | undefined;
  }

  #quota(): ActorRef<QuotaLimiter> | undefined {
    return this.context.whereis(quotaName) as ActorRef<QuotaLimiter> | undefined;
  }
}

function numbersOf(rules: readonly NumberedRule[]): number[] {
  return rules.map(({ number }) => number);
}

/** Whether what was counted under the one rule counts under the other. */
function isSameCount(one: LimitRule, other: LimitRule): boolean {
  return (
    one.key === other.key &&
    one.scope === other.scope &&
    one.service === other.service &&
    one.requestType === other.requestType
  );
}

function withoutNumber({ number: _, ...rule }: NumberedRule): LimitRule {
  return rule;
}

function statusOf(rule: NumberedRule, usage: KeyUsage | null): LimitStatus {
  if (usage === null) {
    return { ...withoutNumber(rule), used: null, remaining: null, resetMs: null };
  }
  const { used, resetMs } = usage;
  const remaining = Math.max(0, rule.maxRequests - used);
  return { ...withoutNumber(rule), used, remaining, resetMs };
}

/** Null for an answer that does not come. */
async function settle<T>(answer: Promise<T> | undefined): Promise<T | null> {
  try {
    return (await answer) ?? null;
  } catch {
    return null;
  }
}
