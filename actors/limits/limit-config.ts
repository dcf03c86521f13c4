import {
  booleanField,
  encodeFault,
  type Field,
  mapField,
  nullable,
  omittable,
  type SettingFields,
} from "../registry/index.ts";
import { type LimitRule, parseLimitRule } from "./limit-rule.ts";

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

/** A list of rules, which {@link parseLimitRules} reads. */
const list: Field<unknown> = { fallback: [], parse: (input) => input ?? [] };

const configFields: SettingFields<{
  readonly enabled: boolean;
  readonly failOpen: boolean;
  readonly globalLimits: unknown;
  readonly apiLimits: unknown;
  readonly redis: LimitConfig["redis"];
}> = {
  enabled: omittable(booleanField(true)),
  failOpen: omittable(booleanField(true)),
  globalLimits: list,
  apiLimits: list,
  redis: nullable(mapField<{ readonly url: string }>({ url: { parse: parseRedisUrl } })),
};

/**
 * Reads the `rateLimits` of a configuration, camelCase or snake_case: `{enabled = true, failOpen =
 * true, globalLimits = [], apiLimits = [], redis?: {url}}`; undefined is `{}`. A rule of scope
 * `cluster` without `redis` is a fault, two rules of one id are another. Where two rules of one API
 * and key have no id, the later one's is made unique (`global:user_id#2`).
 */
export function parseLimitConfig(input: unknown = {}, path = "rateLimits"): LimitConfigOutcome {
  const faults: string[] = [];
  const { globalLimits, apiLimits, ...given } = mapField(configFields).parse(input, path, faults);
  const rules = parseLimitRules(
    [
      { name: `${path}.globalLimits`, list: globalLimits, isGlobal: true },
      { name: `${path}.apiLimits`, list: apiLimits, isGlobal: false },
    ],
    given.redis !== null,
    faults,
  );
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, config: Object.freeze({ ...given, rules }) };
}

/** A list of rules as it was given. */
export interface GivenLimits {
  /** What a fault calls the list. */
  readonly name: string;
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
  for (const { name, list, isGlobal } of lists) {
    if (!Array.isArray(list)) {
      faults.push(encodeFault(name, "a list of limits", list));
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
      if (rules.has(rule.id)) {
        faults.push(encodeFault(`${path}.id`, "an id that no other has", rule.id));
      }
      if (isGlobal !== null && isGlobal !== (rule.service === null)) {
        const expected = isGlobal ? "none, the limit being global" : "the API to limit";
        faults.push(encodeFault(`${path}.service`, expected, rule.service ?? undefined));
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

function parseRedisUrl(url: unknown, path: string, faults: string[]): string {
  if (typeof url === "string" && /^rediss?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  // Not what came: a URL may hold a password.
  faults.push(`${path}: expected a URL that begins with redis:// or rediss://`);
  return "";
}
