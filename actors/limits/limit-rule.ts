import { isMap, isName, MAX_NAME_BYTES, printReceived } from "../registry/index.ts";
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

const ruleFields = ["id", "scope", "service", "requestType", "key", "maxRequests", "windowMs"];

/**
 * Reads one rule, camelCase or snake_case. Each fault begins with `path`, and tells field, what was
 * expected and what came. `service` and `requestType` come together or not at all; the scope is
 * `node` and the id made from API and key (`global:user_id`, `users/get:ip_address`) where they are
 * left out.
 */
export function parseLimitRule(input: unknown, path: string): LimitRuleOutcome {
  const faults: string[] = [];
  const given = collectFields(input, ruleFields, path, faults);
  const text = (name: string): string | null => {
    const value = given.get(name) ?? null;
    if (value === null || isName(value)) return value;
    faults.push(fault(path, name, `a string of 1 to ${MAX_NAME_BYTES} bytes`, value));
    return null;
  };
  const whole = (name: string, most: number): number => {
    const value = given.get(name);
    if (Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= most) {
      return Number(value);
    }
    faults.push(fault(path, name, `a whole number from 1 to ${most}`, value));
    return 1;
  };
  if (faults.length > 0 && given.size === 0) return { ok: false, faults };
  const id = text("id");
  const service = text("service");
  const requestType = text("requestType");
  const key = text("key");
  const scope = given.get("scope") ?? "node";
  const maxRequests = whole("maxRequests", maxLogLength);
  const windowMs = whole("windowMs", maxWindowMs);
  if (!given.has("key")) faults.push(fault(path, "key", "the name of a key", undefined));
  if (scope !== "node" && scope !== "cluster") {
    faults.push(fault(path, "scope", '"node" or "cluster"', scope));
  }
  if (given.has("service") !== given.has("requestType")) {
    const [missing, there] = given.has("service")
      ? ["requestType", "service"]
      : ["service", "requestType"];
    faults.push(fault(path, missing, `a name, because ${there} is given`, undefined));
  }
  if (faults.length > 0 || key === null) return { ok: false, faults };
  const api = service === null ? "global" : `${service}/${requestType}`;
  const rule = {
    ...{ id: id ?? `${api}:${key}`, scope: scope as LimitScope, service, requestType, key },
    ...{ maxRequests, windowMs },
  };
  return { ok: true, rule: Object.freeze(rule) };
}

/**
 * The fields of a map under their camelCase names; what is null or undefined counts as left out.
 * Anything but a map, unknown fields and fields given in both spellings are faults.
 */
export function collectFields(
  input: unknown,
  names: readonly string[],
  path: string,
  faults: string[],
): Map<string, unknown> {
  const given = new Map<string, unknown>();
  if (!isMap(input)) {
    faults.push(`${path}: expected a map, received ${printReceived(input)}`);
    return given;
  }
  for (const [spelling, value] of Object.entries(input)) {
    const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (!names.includes(name)) {
      faults.push(`${path}: unknown field ${printReceived(spelling)}`);
    } else if (given.has(name)) {
      faults.push(`${path}.${spelling}: given twice`);
    } else if (value !== undefined && value !== null) given.set(name, value);
  }
  return given;
}

/** The one form of a fault: `rateLimits.globalLimits[0].key: expected …, received …`. */
export function fault(path: string, name: string, expected: string, received: unknown): string {
  const came = received === undefined ? "nothing" : printReceived(received);
  return `${path}.${name}: expected ${expected}, received ${came}`;
}
