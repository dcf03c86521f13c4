import { isDeepStrictEqual } from "node:util";
import { type FunConfig, parseConfigChange } from "../registry/index.ts";

/** The config that a hook asks for, or what is wrong with it. */
export type ConfigChangeOutcome =
  | { readonly ok: true; readonly config: FunConfig }
  | { readonly ok: false; readonly reason: string };

interface KnownChange {
  readonly change: unknown;
  readonly config: FunConfig;
}

/** Most changes of one config that are kept; a hook has a few, or a new one for each request. */
const MAX_KNOWN_CHANGES = 8;

const knownChanges = new WeakMap<FunConfig, KnownChange[]>();

/**
 * A config with the fields of `change` in place of its own, see `parseConfigChange`. The same change
 * of the same config gives the same object for as long as it is one of the last eight, so that what
 * is compiled from it can be kept.
 */
export function changeConfig(
  config: FunConfig,
  change: Readonly<Record<string, unknown>>,
): ConfigChangeOutcome {
  const known = knownChanges.get(config) ?? [];
  const same = known.find((other) => isDeepStrictEqual(other.change, change));
  if (same !== undefined) return { ok: true, config: same.config };
  const outcome = parseConfigChange(config, change);
  if (!outcome.ok) {
    const faults = outcome.faults.join("; ");
    return { ok: false, reason: `the config that it returned is invalid: ${faults}` };
  }
  try {
    // A copy: the hook may change what it has returned.
    known.push({ change: structuredClone(change), config: outcome.config });
    if (known.length > MAX_KNOWN_CHANGES) known.shift();
    knownChanges.set(config, known);
  } catch {
    // What cannot be copied is not plain data, and is validated each time.
  }
  return outcome;
}
