import type { ActorContext, ReadonlyTable } from "#runtime";
import type { LimitRule } from "./limit-rule.ts";

/** The table of all rules by id; written by `Limits` alone. */
export const limitsTable = "rate_limits";

/** The table with the {@link LimitSettings}, under {@link settingsKey}. */
export const limitSettingsTable = "rate_limit_settings";

/** The one key of {@link limitSettingsTable}. */
export const settingsKey = "settings";

/** A rule as it stands in the table. */
export interface NumberedRule extends LimitRule {
  /**
   * Names the rule in messages and logs of requests: unique in the life of the node, kept when the
   * rule's numbers change, another one when it counts something else.
   */
  readonly number: number;
}

/** What holds for all rules. */
export interface LimitSettings {
  readonly enabled: boolean;
  readonly failOpen: boolean;
  /** How many limiter shards there are. */
  readonly shards: number;
  /** The highest number that any rule has had. */
  readonly lastNumber: number;
}

/** The rules that one kind of request meets, in the order in which they are told: global first. */
export interface LimitPlan {
  /** Of scope `node`. */
  readonly rules: readonly NumberedRule[];
  /** Their numbers. */
  readonly numbers: readonly number[];
  /** Of scope `cluster`. */
  readonly clusterRules: readonly NumberedRule[];
  readonly clusterNumbers: readonly number[];
}

/**
 * The rules as a thread knows them, put in order once for each change of the table. Nothing is
 * allocated by looking a plan up.
 */
export class LimitView {
  readonly #table: ReadonlyTable<NumberedRule>;
  readonly #settingsTable: ReadonlyTable<LimitSettings>;
  settings: LimitSettings = { enabled: false, failOpen: true, shards: 0, lastNumber: 0 };
  #byNumber: ReadonlyMap<number, NumberedRule> = new Map();
  #globalPlan: LimitPlan | null = null;
  readonly #apiPlans = new Map<string, Map<string, LimitPlan>>();
  #isStale = true;

  constructor(context: ActorContext) {
    this.#table = context.table<NumberedRule>(limitsTable);
    this.#settingsTable = context.table<LimitSettings>(limitSettingsTable);
    const onChange = (): void => {
      this.#isStale = true;
    };
    this.#table.onChange(onChange);
    this.#settingsTable.onChange(onChange);
  }

  /** All rules, whether they are enabled or not. The same map until one changes. */
  get byNumber(): ReadonlyMap<number, NumberedRule> {
    if (this.#isStale) this.#compile();
    return this.#byNumber;
  }

  /** What a request meets; null when nothing limits it. */
  plan(service: string, requestType: string): LimitPlan | null {
    if (this.#isStale) this.#compile();
    if (!this.settings.enabled) return null;
    return this.#apiPlans.get(service)?.get(requestType) ?? this.#globalPlan;
  }

  #compile(): void {
    this.#isStale = false;
    this.settings = this.#settingsTable.get(settingsKey) ?? this.settings;
    const rules = [...this.#table.entries()].map(([, rule]) => rule);
    // Every thread tells the same of two rules, in whatever order it came to know them.
    rules.sort((one, other) => one.number - other.number);
    this.#byNumber = new Map(rules.map((rule) => [rule.number, rule]));
    const global = rules.filter(({ service }) => service === null);
    this.#globalPlan = global.length > 0 ? planOf(global) : null;
    this.#apiPlans.clear();
    for (const own of selectByApi(rules)) {
      const { service, requestType } = own[0] as NumberedRule;
      const plans = this.#apiPlans.get(service ?? "") ?? new Map<string, LimitPlan>();
      this.#apiPlans.set(service ?? "", plans);
      plans.set(requestType ?? "", planOf([...global, ...own]));
    }
  }
}

/** The rules for APIs, those of one API together. */
function selectByApi(rules: readonly NumberedRule[]): Iterable<readonly NumberedRule[]> {
  const lists = new Map<string, NumberedRule[]>();
  for (const rule of rules) {
    if (rule.service === null) continue;
    const api = JSON.stringify([rule.service, rule.requestType]);
    const list = lists.get(api);
    if (list === undefined) lists.set(api, [rule]);
    else list.push(rule);
  }
  return lists.values();
}

function planOf(all: readonly NumberedRule[]): LimitPlan {
  const rules = all.filter(({ scope }) => scope === "node");
  const clusterRules = all.filter(({ scope }) => scope === "cluster");
  const numbers = Object.freeze(rules.map(({ number }) => number));
  const clusterNumbers = Object.freeze(clusterRules.map(({ number }) => number));
  return { rules, numbers, clusterRules, clusterNumbers };
}

const views = new WeakMap<object, LimitView>();

/** The rules as the thread of `context` knows them: one view per thread, always current. */
export function limitViewOf(context: ActorContext): LimitView {
  const table = context.table(limitsTable);
  let view = views.get(table);
  if (view === undefined) {
    view = new LimitView(context);
    views.set(table, view);
  }
  return view;
}
