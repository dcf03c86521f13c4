import { Actor, ReplyError, type TableWriter } from "#runtime";
import { type BatchOutcome, parseBatch, registryKey } from "./batch.ts";
import { publishAdded, publishOne, publishRemoved } from "./config-events.ts";
import { type ConfigOrigin, tellRefusals } from "./failed-configs.ts";
import { parseConfigChange } from "./fun-config.ts";
import type { FunConfig } from "./fun-config-schema.ts";
import { printReceived } from "./received.ts";
import { selectVersion, versionKey } from "./version.ts";

/** The table of all FunConfigs; its keys are `registryKey`s. */
export const registryTable = "registry";

/** The registered name of the {@link Registry}. */
export const registryName = "registry";

/**
 * The one writer of the registry. Every change is validated first, and is made whole or not at all;
 * each thread sees it as soon as its turn comes. It goes on from the table after a restart. A
 * `version` of null, undefined or `"0.0.0"` is that of the unversioned entry. Where `origin` is told
 * with configs, those that are refused are recorded among the failed configs.
 */
export class Registry extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #table: TableWriter<FunConfig> = this.context.writeTable(registryTable);

  /**
   * Adds one entry, or replaces that of the same service, request type and version.
   * @throws ReplyError `invalid_config`, a line per fault; nothing has changed then.
   */
  add(config: unknown, origin: ConfigOrigin | null = null): FunConfig {
    const [[key, added] = []] = this.#checked([config], origin);
    if (key === undefined || added === undefined) throw new Error("a batch of one is empty");
    this.#table.set(key, added);
    publishOne("configAdd", added);
    return added;
  }

  /**
   * Adds entries, or replaces those of the same service, request type and version; all of them or
   * none. Returns how many there are in the batch.
   * @throws ReplyError `invalid_config`, a line per fault; nothing has changed then.
   */
  batchAdd(configs: readonly unknown[], origin: ConfigOrigin | null = null): number {
    const batch = this.#checked(configs, origin);
    this.#addAll(batch);
    return batch.size;
  }

  /**
   * Makes `configs` all that there is of `service`: what the service had beside them goes.
   * @throws ReplyError `invalid_config`, also for an entry of another service.
   */
  replace(
    service: string,
    configs: readonly unknown[],
    origin: ConfigOrigin | null = null,
  ): number {
    const batch = this.#checked(configs, origin);
    const foreign = [...batch.values()].filter((config) => config.service !== service);
    if (foreign.length > 0) {
      const fault = `expected service ${service}`;
      const refused = foreign.map((input) => ({ input, faults: [fault] }));
      if (origin !== null) tellRefusals(this.context, origin, refused);
      const faults = foreign.map((config) => `${registryKey(config)}: ${fault}`);
      throw new ReplyError("invalid_config", faults.join("\n"));
    }
    this.#addAll(batch);
    for (const config of this.list(service)) {
      const key = registryKey(config);
      if (batch.has(key)) continue;
      this.#table.delete(key);
      publishOne("configDelete", config);
    }
    return batch.size;
  }

  /**
   * Changes some fields of one entry, in either spelling; the whole is validated again. Service,
   * request type and version cannot change: they name the entry.
   * @throws ReplyError `no_config`, `invalid_config` with a line per fault.
   */
  update(
    service: string,
    requestType: string,
    version: string | null | undefined,
    change: unknown,
  ): FunConfig {
    const outcome = parseConfigChange(this.#find(service, requestType, version), change);
    if (!outcome.ok) throw new ReplyError("invalid_config", outcome.faults.join("\n"));
    this.#table.set(registryKey(outcome.config), outcome.config);
    publishOne("configAdd", outcome.config);
    return outcome.config;
  }

  /** One entry, disabled or not; null when there is none. */
  get(service: string, requestType: string, version?: string | null): FunConfig | null {
    return this.#table.get(keyOf(service, requestType, version)) ?? null;
  }

  /**
   * The entry for a client who asks for no version: the unversioned one, else the highest enabled
   * version. Null when there is none, or it is disabled.
   */
  getLatest(service: string, requestType: string): FunConfig | null {
    const versions = this.list(service).filter((config) => config.requestType === requestType);
    const selection = selectVersion(versions, null);
    return selection.ok ? selection.entry : null;
  }

  /** Clients who ask for this entry are refused from now on. @throws ReplyError `no_config`. */
  disable(service: string, requestType: string, version?: string | null): FunConfig {
    return this.#switch(service, requestType, version, true);
  }

  /** The opposite of {@link disable}. @throws ReplyError `no_config`. */
  enable(service: string, requestType: string, version?: string | null): FunConfig {
    return this.#switch(service, requestType, version, false);
  }

  /** Removes one entry; false when there was none. */
  delete(service: string, requestType: string, version?: string | null): boolean {
    const key = keyOf(service, requestType, version);
    const config = this.#table.get(key);
    if (config === undefined) return false;
    this.#table.delete(key);
    publishOne("configDelete", config);
    return true;
  }

  /** All entries, or those of one service. */
  list(service?: string): FunConfig[] {
    const configs = [...this.#table.entries()].map(([, config]) => config);
    return service === undefined ? configs : configs.filter((config) => config.service === service);
  }

  /** How many there are in all, or of one service. */
  count(service?: string): number {
    return service === undefined ? this.#table.size : this.list(service).length;
  }

  /** Removes all entries, or those of one service; returns how many there were. */
  clear(service?: string): number {
    const configs = this.list(service);
    for (const config of configs) this.#table.delete(registryKey(config));
    publishRemoved(service ?? null, configs.length);
    return configs.length;
  }

  #addAll(batch: ReadonlyMap<string, FunConfig>): void {
    for (const [key, config] of batch) this.#table.set(key, config);
    publishAdded([...batch.values()]);
  }

  #switch(
    service: string,
    requestType: string,
    version: string | null | undefined,
    disabled: boolean,
  ): FunConfig {
    const config = Object.freeze({ ...this.#find(service, requestType, version), disabled });
    this.#table.set(registryKey(config), config);
    publishOne(disabled ? "configDisable" : "configEnable", config);
    return config;
  }

  #find(service: string, requestType: string, version?: string | null): FunConfig {
    const config = this.get(service, requestType, version);
    if (config !== null) return config;
    const key = printReceived(keyOf(service, requestType, version)).slice(1, -1);
    throw new ReplyError("no_config", `there is no function ${key}`);
  }

  #checked(
    configs: readonly unknown[],
    origin: ConfigOrigin | null,
  ): ReadonlyMap<string, FunConfig> {
    const batch: BatchOutcome = Array.isArray(configs)
      ? parseBatch(configs)
      : { ok: false, faults: ["expected a list of configs"], refused: [] };
    if (batch.ok) return batch.configs;
    if (origin !== null) tellRefusals(this.context, origin, batch.refused);
    throw new ReplyError("invalid_config", batch.faults.join("\n"));
  }
}

function keyOf(service: string, requestType: string, version?: string | null): string {
  return registryKey({ service, requestType, version: versionKey(version) });
}
