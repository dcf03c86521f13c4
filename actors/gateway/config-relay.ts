/** What a configuration says of relay groups. */

import { resolve } from "node:path";
import type { ChannelConfig } from "../channel/index.ts";
import { isMap } from "../registry/index.ts";
import { parseRelaySettings, type RelaySettings } from "../relay/index.ts";
import { ConfigError } from "./config-error.ts";
import type { ConfigPlace } from "./config-paths.ts";

/** `relay` of a configuration; what it leaves out has a default. */
export interface RelayFile extends Partial<Omit<RelaySettings, "history" | "storage">> {
  readonly history?: Partial<RelaySettings["history"]>;
  /** Where durable groups are kept. */
  readonly storage?: {
    readonly path: string;
    readonly flushMs?: number;
    readonly sync?: "interval" | "full";
  } | null;
}

/**
 * The settings; null: there are no groups here. `true` is all defaults, `false` and undefined are
 * none.
 *
 * @param storagePath what takes the place of `storage.path`, should there be groups; null: nothing
 * @throws ConfigError with all faults in one line.
 */
export function readRelay(
  given: unknown,
  { path, folder }: ConfigPlace,
  storagePath: string | null,
): RelaySettings | null {
  if (given === false || given === undefined) return null;
  const outcome = parseRelaySettings(withStorage(given, storagePath), "relay");
  if (!outcome.ok) throw new ConfigError(`${path}: ${outcome.faults.join("; ")}`);
  const { settings } = outcome;
  const { storage } = settings;
  if (storage === null) return settings;
  return { ...settings, storage: { ...storage, path: resolve(folder, storage.path) } };
}

function withStorage(given: unknown, path: string | null): unknown {
  const settings = given === true ? {} : given;
  if (path === null || !isMap(settings)) return settings;
  const { storage } = settings;
  return { ...settings, storage: { ...(isMap(storage) ? storage : {}), path } };
}

/** @throws ConfigError for a channel of groups that there are none for. */
export function checkGroupChannels(
  channels: readonly ChannelConfig[],
  relay: RelaySettings | null,
  path: string | null,
): void {
  for (const [index, { topic, group }] of channels.entries()) {
    if (group === null) continue;
    const where = `${path}: channels[${index}].group`;
    if (relay === null) {
      throw new ConfigError(
        `${where}: expected none for "${topic}", because relay is not configured`,
      );
    }
    if (group.durable && relay.storage === null) {
      const reason = "because relay.storage is not configured";
      throw new ConfigError(`${where}.durable: expected false for "${topic}", ${reason}`);
    }
  }
}
