import { printReceived } from "../registry/index.ts";
import { collectFields, fault, type LimitRule, parseLimitRule } from "./limit-rule.ts";

/** The rate limits of a gateway, as they are to be at its start: plain data. */
export interface LimitConfig {
  /** False: nothing is limited. */
  readonly enabled: boolean;
  /** Whether a request passes whose limits nobody can tell at the moment. */
  readonly failOpen: boolean;
  /** Global rules before those of APIs. */
  readonly rules: readonly LimitRule[];
  /** Where rules of scope `cluster` are counted; null when there are none. */
  readonly redis: { readonly url: string } | null;
}

/** A configuration, or everything that is wrong with it. */
export type LimitConfigOutcome =
  | { readonly ok: true; readonly config: LimitConfig }
  | { readonly ok: false; readonly faults: readonly string[] };

const configFields = ["enabled", "failOpen", "globalLimits", "apiLimits", "redis"];

/**
 * Reads the `rateLimits` of a configuration, camelCase or snake_case: `{enabled = true, failOpen =
 * true, globalLimits = [], apiLimits = [], redis?: {url}}`; undefined is `{}`. A rule of scope
 * `cluster` without `redis` is a fault, two rules of one id are another. Where two rules of one API
 * and key have no id, the later one's is made unique (`global:user_id#2`).
 */
export function parseLimitConfig(input: unknown = {}, path = "rateLimits"): LimitConfigOutcome {
  const faults: string[] = [];
  const given = collectFields(input, configFields, path, faults);
  const yesOrNo = (name: string): boolean => {
    const value = given.get(name) ?? true;
    if (typeof value !== "boolean") faults.push(fault(path, name, "true or false", value));
    return value === true;
  };
  const enabled = yesOrNo("enabled");
  const failOpen = yesOrNo("failOpen");
  const redis = parseRedis(given.get("redis"), `${path}.redis`, faults);
  const rules = parseLimitRules(
    [
      { name: `${path}.globalLimits`, list: given.get("globalLimits"), isGlobal: true },
      { name: `${path}.apiLimits`, list: given.get("apiLimits"), isGlobal: false },
    ],
    redis !== null,
    faults,
  );
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, config: Object.freeze({ enabled, failOpen, rules, redis }) };
}

/** A list of rules as it was given. */
export interface GivenLimits {
  /** What a fault calls the list. */
  readonly name: string;
  /** Undefined is an empty one. */
  readonly list: unknown;
  /** Whether the rules are for every request, or each for one API; null: either. */
  readonly isGlobal: boolean | null;
}

/** Reads lists of rules; see {@link parseLimitConfig}. */
export function parseLimitRules(
  lists: readonly GivenLimits[],
  hasRedis: boolean,
  faults: string[],
): readonly LimitRule[] {
  const rules = new Map<string, LimitRule>();
  for (const { name, list = [], isGlobal } of lists) {
    if (!Array.isArray(list)) {
      faults.push(`${name}: expected a list of limits, received ${printReceived(list)}`);
      continue;
    }
    for (const [index, input] of list.entries()) {
      const path = `${name}[${index}]`;
      const outcome = parseLimitRule(input, path);
      if (!outcome.ok) {
        faults.push(...outcome.faults);
        continue;
      }
      const rule = withOwnId(outcome.rule, input, rules);
      if (rules.has(rule.id)) faults.push(fault(path, "id", "an id that no other has", rule.id));
      if (isGlobal !== null && isGlobal !== (rule.service === null)) {
        const expected = isGlobal ? "none, the limit being global" : "the API to limit";
        faults.push(fault(path, "service", expected, rule.service ?? undefined));
      }
      if (rule.scope === "cluster" && !hasRedis) faults.push(`${path}.scope: ${noRedis}`);
      rules.set(rule.id, rule);
    }
  }
  return Object.freeze([...rules.values()]);
}

/** Why a rule of scope `cluster` is refused. */
export const noRedis = 'expected "node", because rateLimits.redis is not configured';

function withOwnId(
  rule: LimitRule,
  input: unknown,
  taken: ReadonlyMap<string, LimitRule>,
): LimitRule {
  if (Object.hasOwn(input as object, "id") || !taken.has(rule.id)) return rule;
  let number = 2;
  while (taken.has(`${rule.id}#${number}`)) number += 1;
  return Object.freeze({ ...rule, id: `${rule.id}#${number}` });
}

function parseRedis(value: unknown, path: string, faults: string[]): LimitConfig["redis"] {
  if (value === undefined) return null;
  const given = collectFields(value, ["url"], path, faults);
  const url = given.get("url");
  if (typeof url === "string" && /^rediss?:$/.test(URL.parse(url)?.protocol ?? "")) {
    return Object.freeze({ url });
  }
  // Not what came: a URL may hold a password.
  faults.push(`${path}.url: expected a URL that begins with redis:// or rediss://`);
  return null;
}
