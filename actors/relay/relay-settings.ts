import { isMap, printReceived } from "../registry/index.ts";
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

/** The settings, or everything that is wrong with them. */
export type RelaySettingsOutcome =
  | { readonly ok: true; readonly settings: RelaySettings }
  | { readonly ok: false; readonly faults: readonly string[] };

const fields = [
  ...([
    "history",
    "maxMembers",
    "maxGroupsPerUser",
    "maxMessageBytes",
    "messagesPerSecond",
  ] as const),
  ...(["slowMember", "presence", "maxPresence", "presenceIntervalMs", "storage"] as const),
];

/**
 * Reads the settings, camelCase or snake_case: `true` or `{}` is all defaults. `storage` is `{path,
 * flushMs = 100, sync = "interval"}`; its path is taken as it stands, and it keeps as many messages
 * as the history does. Each fault names field, what was expected, what was received.
 *
 * @param where what a fault calls the settings: `relay`
 */
export function parseRelaySettings(given: unknown, where: string): RelaySettingsOutcome {
  const reader = new Reader();
  const input = reader.map(where, given === true ? {} : given, fields);
  const kept = reader.map(`${where}.history`, input.get("history") ?? {}, ["messages", "minutes"]);
  const history = {
    messages: reader.whole(`${where}.history.messages`, kept.get("messages"), 100, [1, 10_000]),
    minutes: reader.bound(`${where}.history.minutes`, kept.get("minutes"), null, [1, 525_600]),
  };
  const whole = (name: (typeof fields)[number], fallback: number, range: Range): number =>
    reader.whole(`${where}.${name}`, input.get(name), fallback, range);
  const settings: RelaySettings = {
    history,
    maxMembers: whole("maxMembers", 10_000, [1, 1_000_000]),
    maxGroupsPerUser: whole("maxGroupsPerUser", 100, [1, 1_000_000]),
    maxMessageBytes: whole("maxMessageBytes", 16_384, [1, 16_777_216]),
    messagesPerSecond: reader.bound(
      `${where}.messagesPerSecond`,
      input.get("messagesPerSecond"),
      50,
      [1, 100_000],
    ),
    slowMember: reader.choice(`${where}.slowMember`, input.get("slowMember"), [
      "skip",
      "disconnect",
    ]),
    presence: reader.yesOrNo(`${where}.presence`, input.get("presence"), true),
    maxPresence: whole("maxPresence", 1_000, [1, 100_000]),
    presenceIntervalMs: whole("presenceIntervalMs", 100, [1, 60_000]),
    storage: parseStorage(`${where}.storage`, input.get("storage") ?? null, history, reader),
  };
  const { faults } = reader;
  return faults.length > 0 ? { ok: false, faults } : { ok: true, settings };
}

function parseStorage(
  where: string,
  given: unknown,
  { messages, minutes }: RelaySettings["history"],
  reader: Reader,
): StorageSettings | null {
  if (given === null) return null;
  const input = reader.map(where, given, ["path", "flushMs", "sync"]);
  return {
    path: reader.text(`${where}.path`, input.get("path"), "the path of a file"),
    flushMs: reader.whole(`${where}.flushMs`, input.get("flushMs"), 100, [1, 60_000]),
    sync: reader.choice(`${where}.sync`, input.get("sync"), ["interval", "full"]),
    maxMessages: messages,
    maxAgeMs: minutes === null ? null : minutes * 60_000,
  };
}

/** The least and the most that is allowed. */
type Range = readonly [number, number];

/** Reads values, and collects what is wrong with them. */
class Reader {
  readonly faults: string[] = [];

  whole(where: string, given: unknown, fallback: number, [least, most]: Range): number {
    if (given === undefined) return fallback;
    if (isWhole(given, least, most)) return given;
    this.#fault(where, `a whole number from ${least} to ${most}`, given);
    return fallback;
  }

  bound(where: string, given: unknown, fallback: number | null, range: Range): number | null {
    if (given === undefined) return fallback;
    const [least, most] = range;
    if (given === null || isWhole(given, least, most)) return given;
    this.#fault(where, `a whole number from ${least} to ${most}, or null`, given);
    return fallback;
  }

  /** One of the texts, the first by default. */
  choice<const T extends string>(where: string, given: unknown, all: readonly [T, ...T[]]): T {
    const known = given === undefined ? all[0] : all.find((one) => one === given);
    if (known === undefined) this.#fault(where, all.join(" or "), given);
    return known ?? all[0];
  }

  yesOrNo(where: string, given: unknown, fallback: boolean): boolean {
    if (given !== undefined && typeof given !== "boolean") {
      this.#fault(where, "true or false", given);
    }
    return typeof given === "boolean" ? given : fallback;
  }

  text(where: string, given: unknown, expected: string): string {
    if (typeof given === "string" && given !== "") return given;
    this.#fault(where, expected, given);
    return "";
  }

  /** The fields of a map by their camelCase names. */
  map(where: string, given: unknown, names: readonly string[]): Map<string, unknown> {
    const known = new Map<string, unknown>();
    if (!isMap(given)) {
      this.#fault(where, `{ ${names.map((name) => `${name}?`).join(", ")} }`, given);
      return known;
    }
    for (const [spelling, value] of Object.entries(given)) {
      const name = spelling.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      if (!names.includes(name)) {
        const expected = `one of ${names.join(", ")}`;
        this.faults.push(
          `${where}: unknown field ${printReceived(spelling)}: expected ${expected}`,
        );
      } else if (known.has(name)) {
        this.faults.push(`${where}.${name}: given twice`);
      } else if (value !== undefined) known.set(name, value);
    }
    return known;
  }

  #fault(where: string, expected: string, given: unknown): void {
    const received = given === undefined ? "nothing" : printReceived(given);
    this.faults.push(`${where}: expected ${expected}, received ${received}`);
  }
}

function isWhole(value: unknown, least: number, most: number): value is number {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most;
}
