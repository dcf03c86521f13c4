import {
  choiceField,
  encodeFault,
  mapField,
  nameField,
  nullable,
  omittable,
  type SettingFields,
  wholeField,
} from "../registry/index.ts";
import { maxLogLength } from "./request-logs.ts";

/** Where a limit is counted: on each node by itself, or for all nodes together, in Redis. */
type LimitScope = "node" | "cluster";

/** A rate limit: at most `maxRequests` within `windowMs` for each value of `key`. */
export interface LimitRule {
  /** Unique among the rules; 1 to 256 bytes. */
  readonly id: string;
  readonly scope: LimitScope;
  /** The API that it limits; null together with `requestType`: every request. */
  readonly service: string | null;
  readonly requestType: string | null;
  /** `user_id`, `device_id`, `ip_address`, or the name of an assign or argument. */
  readonly key: string;
  /** 1 to 1,000,000. */
  readonly maxRequests: number;
  /** 1 ms to 7 days. */
  readonly windowMs: number;
}

/** A rule, or everything that is wrong with it. */
export type LimitRuleOutcome =
  | { readonly ok: true; readonly rule: LimitRule }
  | { readonly ok: false; readonly faults: readonly string[] };

/** The longest window: 7 days. */
const maxWindowMs = 604_800_000;

/** A rule as it was given: the id follows from the rest where it is null. */
type RuleInput = Omit<LimitRule, "id"> & { readonly id: string | null };

/** How the fields of a rule are read. */
export const ruleFields: SettingFields<RuleInput> = {
  id: nullable(nameField),
  scope: omittable(choiceField(["node", "cluster"], "node")),
  service: nullable(nameField),
  requestType: nullable(nameField),
  key: nameField,
  maxRequests: wholeField(1, maxLogLength),
  windowMs: wholeField(1, maxWindowMs),
};

const ruleField = mapField(ruleFields);

/**
 * Reads one rule, camelCase or snake_case. Each fault begins with `path`, and tells field, what was
 * expected and what came. `service` and `requestType` come together or not at all; the scope is
 * `node` and the id made from API and key (`global:user_id`, `users/get:ip_address`) where they are
 * left out.
 */
export function parseLimitRule(input: unknown, path: string): LimitRuleOutcome {
  const faults: string[] = [];
  const rule = ruleField.parse(input, path, faults);
  const { service, requestType, key } = rule;
  if (faults.length === 0 && (service === null) !== (requestType === null)) {
    const [missing, there] =
      service === null ? ["service", "requestType"] : ["requestType", "service"];
    faults.push(encodeFault(`${path}.${missing}`, `a name, because ${there} is given`, undefined));
  }
  if (faults.length > 0) return { ok: false, faults };
  const api = service === null ? "global" : `${service}/${requestType}`;
  return { ok: true, rule: Object.freeze({ ...rule, id: rule.id ?? `${api}:${key}` }) };
}
