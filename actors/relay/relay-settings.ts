import Type from "typebox";
import {
  booleanField,
  boundField,
  choiceField,
  mapField,
  nullable,
  omittable,
  parseSettings,
  type SettingFields,
  type SettingsOutcome,
  schemaField,
  wholeField,
} from "../registry/index.ts";
import type { StorageSettings } from "./store.ts";

/** How relay groups work on a gateway: plain data. */
export interface RelaySettings {
  /** What a group keeps of its messages, for whoever comes back and for `history`. */
  readonly history: {
    /** The last so many; default 100. */
    readonly messages: number;
    /** None that is older; null: whatever their age. */
    readonly minutes: number | null;
  };
  /** Members of a group; default 10,000. */
  readonly maxMembers: number;
  /** Groups that one user is in; default 100. */
  readonly maxGroupsPerUser: number;
  /** Bytes of the JSON of a message; default 16,384. */
  readonly maxMessageBytes: number;
  /** Messages that one sender sends to one group in any second; default 50; null: no limit. */
  readonly messagesPerSecond: number | null;
  /**
   * What becomes of a member that does not take what it is sent: it misses messages and is told
   * which, or its socket is closed. Default `skip`.
   */
  readonly slowMember: "skip" | "disconnect";
  /** Whether groups tell who is here; default true. */
  readonly presence: boolean;
  /** A group of more sessions tells no presence; default 1,000. */
  readonly maxPresence: number;
  /** Changes of presence are told together, once in so many ms; default 100. */
  readonly presenceIntervalMs: number;
  /** Where durable groups are kept; null: no group is durable. */
  readonly storage: StorageSettings | null;
}

/** What is said of the storage; what else the store is told follows from the history. */
type StorageInput = Omit<StorageSettings, "maxMessages" | "maxAgeMs">;

type RelayInput = Omit<RelaySettings, "storage"> & { readonly storage: StorageInput | null };

const fields: SettingFields<RelayInput> = {
  history: omittable(
    mapField<RelaySettings["history"]>({
      messages: wholeField(1, 10_000, 100),
      minutes: boundField(1, 525_600, null),
    }),
  ),
  maxMembers: wholeField(1, 1_000_000, 10_000),
  maxGroupsPerUser: wholeField(1, 1_000_000, 100),
  maxMessageBytes: wholeField(1, 16_777_216, 16_384),
  messagesPerSecond: boundField(1, 100_000, 50),
  slowMember: choiceField(["skip", "disconnect"], "skip"),
  presence: booleanField(true),
  maxPresence: wholeField(1, 100_000, 1_000),
  presenceIntervalMs: wholeField(1, 60_000, 100),
  storage: nullable(
    mapField<StorageInput>({
      path: schemaField<string>(Type.String({ minLength: 1 }), "the path of a file"),
      flushMs: wholeField(1, 60_000, 100),
      sync: choiceField(["interval", "full"], "interval"),
    }),
  ),
};

/**
 * Reads the settings as `parseSettings` does; `true` or `{}` is all defaults. `storage` is `{path,
 * flushMs = 100, sync = "interval"}`; its path is taken as it stands, and it keeps as many messages
 * as the history does.
 *
 * @param where what a fault calls the settings: `relay`
 */
export function parseRelaySettings(given: unknown, where: string): SettingsOutcome<RelaySettings> {
  const outcome = parseSettings(fields, given === true ? {} : given, where);
  if (!outcome.ok) return outcome;
  const { history, storage, ...others } = outcome.settings;
  const { messages: maxMessages, minutes } = history;
  const kept = { maxMessages, maxAgeMs: minutes === null ? null : minutes * 60_000 };
  return {
    ok: true,
    settings: { ...others, history, storage: storage === null ? null : { ...storage, ...kept } },
  };
}
