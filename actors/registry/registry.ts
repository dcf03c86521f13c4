import { Actor, ReplyError, type TableWriter } from "#runtime";
import { parseFunConfig } from "./fun-config.ts";
import type { FunConfig } from "./fun-config-schema.ts";
import { isMap } from "./plain-data.ts";
import { printReceived } from "./received.ts";

/** The table of all FunConfigs; its keys are {@link registryKey}s. */
export const registryTable = "registry";

/** The registered name of the {@link Registry}. */
export const registryName = "registry";

/** Where an entry stands in the table: `service/request_type@version`, without `@` for no version. */
export function registryKey(
  config: Pick<FunConfig, "service" | "requestType" | "version">,
): string {
  const { service, requestType, version } = config;
  return `${service}/${requestType}${version === null ? "" : `@${version}`}`;
}

/** A whole batch, or everything that is wrong with it. */
export type BatchOutcome =
  | { readonly ok: true; readonly configs: ReadonlyMap<string, FunConfig> }
  | { readonly ok: false; readonly faults: readonly string[] };

/**
 * Reads a batch of FunConfigs, all or nothing. Each fault begins with the service and request type
 * of its entry; two entries for one key are a fault.
 */
export function parseBatch(inputs: readonly unknown[]): BatchOutcome {
  const faults: string[] = [];
  const configs = new Map<string, FunConfig>();
  for (const [index, input] of inputs.entries()) {
    const at = describeEntry(input, index);
    const outcome = parseFunConfig(input);
    if (!outcome.ok) {
      faults.push(...outcome.faults.map((fault) => `${at}: ${fault}`));
      continue;
    }
    const key = registryKey(outcome.config);
    if (configs.has(key)) faults.push(`${at}: defined twice`);
    configs.set(key, outcome.config);
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, configs };
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

/**
 * The one writer of the registry. Every change is validated first, and is made whole or not at all;
 * each thread sees it as soon as its turn comes. It goes on from the table after a restart.
 */
export class Registry extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #table: TableWriter<FunConfig> = this.context.writeTable(registryTable);

  /**
   * Adds entries, or replaces those of the same service, request type and version. Returns how many
   * there are in the batch.
   * @throws ReplyError `invalid_config`, a line per fault; nothing has changed then.
   */
  register(configs: readonly unknown[]): number {
    const batch = checked(configs);
    for (const [key, config] of batch) this.#table.set(key, config);
    return batch.size;
  }

  /**
   * Makes `configs` all that there is of `service`: what the service had beside them goes.
   * @throws ReplyError `invalid_config`, also for an entry of another service.
   */
  replace(service: string, configs: readonly unknown[]): number {
    const batch = checked(configs);
    const foreign = [...batch.values()].filter((config) => config.service !== service);
    if (foreign.length > 0) {
      const faults = foreign.map((config) => `${registryKey(config)}: expected service ${service}`);
      throw new ReplyError("invalid_config", faults.join("\n"));
    }
    for (const [key, config] of batch) this.#table.set(key, config);
    for (const key of this.#keysOf(service)) if (!batch.has(key)) this.#table.delete(key);
    return batch.size;
  }

  /** Removes all entries of a service; returns how many there were. */
  unregister(service: string): number {
    const keys = this.#keysOf(service);
    for (const key of keys) this.#table.delete(key);
    return keys.length;
  }

  /** All entries, or those of one service. */
  list(service?: string): FunConfig[] {
    const configs = [...this.#table.entries()].map(([, config]) => config);
    return service === undefined ? configs : configs.filter((config) => config.service === service);
  }

  #keysOf(service: string): string[] {
    return this.list(service).map(registryKey);
  }
}

function checked(configs: readonly unknown[]): ReadonlyMap<string, FunConfig> {
  if (!Array.isArray(configs)) throw new ReplyError("invalid_config", "expected a list of configs");
  const batch = parseBatch(configs);
  if (batch.ok) return batch.configs;
  throw new ReplyError("invalid_config", batch.faults.join("\n"));
}
