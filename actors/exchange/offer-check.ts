import { decideFunctionAccess, resolveModuleAccess } from "../hooks/index.ts";
import { type FunConfig, parseBatch, type RefusedConfig, registryKey } from "../registry/index.ts";
import { listTargets } from "../service/index.ts";

/** The configs of an offer, or what is wrong with them, as one list and by entry. */
export type OfferOutcome =
  | { readonly ok: true; readonly configs: readonly FunConfig[] }
  | {
      readonly ok: false;
      readonly faults: readonly string[];
      readonly refused: readonly RefusedConfig[];
    };

/** Most functions of one service. */
const maxConfigs = 10_000;

/**
 * Reads what a node offers of one service, all or nothing. Hooks, callbacks, resolvers and strategies
 * run where the call is made: their modules have to be among those that this node trusts. Looks at
 * the file system.
 */
export function parseOffer(
  service: string,
  inputs: unknown,
  trusted: readonly string[],
): OfferOutcome {
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > maxConfigs) {
    const fault = `configs: expected a list of 1 to ${maxConfigs} functions`;
    return { ok: false, faults: [fault], refused: [] };
  }
  const batch = parseBatch(inputs);
  if (!batch.ok) return batch;
  const refused: RefusedConfig[] = [];
  const faults: string[] = [];
  for (const [key, config] of batch.configs) {
    const found = encodeModuleFaults(config, trusted);
    if (config.service !== service) found.push(`service: expected ${service}`);
    if (found.length === 0) continue;
    refused.push({ input: config, faults: found });
    faults.push(...found.map((fault) => `${key}: ${fault}`));
  }
  if (refused.length > 0) return { ok: false, faults, refused };
  return { ok: true, configs: [...batch.configs.values()] };
}

function encodeModuleFaults(config: FunConfig, trusted: readonly string[]): string[] {
  const faults: string[] = [];
  for (const [field, target] of listTargets(config)) {
    const { module, function: name } = target as { module: string; function: string };
    const access = resolveModuleAccess(module, trusted);
    if (!access.ok) faults.push(`${field}.module: it runs on this node: ${access.reason}`);
    const denied = decideFunctionAccess(name);
    if (denied !== null) faults.push(`${field}.function: ${denied}`);
  }
  return faults;
}

/** By {@link registryKey}. */
export function byKey(configs: Iterable<FunConfig>): Map<string, FunConfig> {
  return new Map(Array.from(configs, (config) => [registryKey(config), config]));
}
