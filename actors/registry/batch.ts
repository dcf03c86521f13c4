import { parseFunConfig } from "./fun-config.ts";
import type { FunConfig } from "./fun-config-schema.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";

/** Where an entry stands in the table: `service/request_type@version`, without `@` for no version. */
export function registryKey(
  config: Pick<FunConfig, "service" | "requestType" | "version">,
): string {
  const { service, requestType, version } = config;
  return `${service}/${requestType}${version === null ? "" : `@${version}`}`;
}

/** One entry of a batch, and what is wrong with it. */
export interface RefusedConfig {
  readonly input: unknown;
  readonly faults: readonly string[];
}

/** A whole batch, or everything that is wrong with it, as one list and by entry. */
export type BatchOutcome =
  | { readonly ok: true; readonly configs: ReadonlyMap<string, FunConfig> }
  | {
      readonly ok: false;
      /** Each begins with the service and request type of its entry. */
      readonly faults: readonly string[];
      readonly refused: readonly RefusedConfig[];
    };

/**
 * Reads a batch of FunConfigs, all or nothing. Each fault begins with the service and request type
 * of its entry; two entries for one key are a fault.
 */
export function parseBatch(inputs: readonly unknown[]): BatchOutcome {
  const faults: string[] = [];
  const refused: RefusedConfig[] = [];
  const configs = new Map<string, FunConfig>();
  for (const [index, input] of inputs.entries()) {
    const found = parseEntry(input, configs);
    if (found.length === 0) continue;
    const at = describeEntry(input, index);
    faults.push(...found.map((fault) => `${at}: ${fault}`));
    refused.push({ input, faults: found });
  }
  return refused.length > 0 ? { ok: false, faults, refused } : { ok: true, configs };
}

function parseEntry(input: unknown, configs: Map<string, FunConfig>): readonly string[] {
  const outcome = parseFunConfig(input);
  if (!outcome.ok) return outcome.faults;
  const key = registryKey(outcome.config);
  if (configs.has(key)) return ["defined twice"];
  configs.set(key, outcome.config);
  return [];
}

function describeEntry(input: unknown, index: number): string {
  if (!isMap(input)) return `entry ${index}`;
  const { service, version } = input;
  const requestType = input["requestType"] ?? input["request_type"];
  if (typeof service !== "string" || typeof requestType !== "string") return `entry ${index}`;
  const suffix = typeof version === "string" ? `@${version}` : "";
  // A name may be as wrong as the rest: it is printed within bounds.
  return printReceived(`${service}/${requestType}${suffix}`).slice(1, -1);
}
