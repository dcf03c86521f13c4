import { type Ask, type Command, type Parameter, parseArguments } from "#runtime";
import { type LimitRule, type Limits, limitsName, limitsTable } from "../limits/index.ts";
import { nothingNamed, readOptionalText, readText, wrong } from "./command-arguments.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import {
  formatAdded,
  formatLimiters,
  formatLimits,
  formatReset,
  formatUsage,
  type LimitReset,
  type ValueStatus,
} from "./limit-text.ts";

const valueExpected = "a user id, an address or what else limits count by";

/** What there is to do with rate limits while they hold. A change holds until the gateway ends. */
export function limitCommands(gateway: GatewayAccess): Command[] {
  const limits = (): Ask<Limits> => gateway.find<Limits>(limitsName).ask;
  const ids = (): string[] =>
    Array.from(gateway.table<LimitRule>(limitsTable).entries(), ([id]) => id);
  const value: Parameter = { name: "value", kind: "text" };
  const id: Parameter = { name: "id", kind: "text", complete: ids };
  return [
    {
      name: "rlStatus",
      parameters: [value],
      description: "what a user, an address or another value has used of the rate limits",
      run: async (given): Promise<ValueStatus> => {
        const text = readValue(given);
        return { value: text, limits: await limits().status(text) };
      },
      format: formatUsage,
    },
    {
      name: "rlGlobal",
      parameters: [],
      description: "the rate limits of all calls, and how the limiters are",
      run: () => limits().global(),
      format: formatLimiters,
    },
    {
      name: "rlConfig",
      parameters: [],
      description: "all rate limits in force",
      run: () => limits().config(),
      format: formatLimits,
    },
    {
      name: "rlReset",
      parameters: [
        { ...value, optional: true },
        { ...id, optional: true },
      ],
      description: "forget what a value has used, under one limit or all; or what everybody has",
      run: async (given, limit): Promise<LimitReset> => {
        const only = readOptionalText(limit, "id", "the id of a limit");
        if (only === undefined && (given ?? null) === null) {
          return { value: null, limits: await limits().resetAll() };
        }
        const text = readValue(given);
        if (only !== undefined) checkId(only, ids());
        return { value: text, limits: await limits().reset(text, only) };
      },
      format: formatReset,
    },
    {
      name: "rlAdd",
      parameters: [{ name: "rule", kind: "json" }],
      description: "add a rate limit: {key, maxRequests, windowMs, service?, requestType?, id?}",
      run: (rule) => limits().add(parseArguments([rule])[0]),
      format: formatAdded,
    },
    {
      name: "rlRemove",
      parameters: [id],
      description: "remove a rate limit",
      run: async (given): Promise<{ readonly removed: string }> => {
        const name = readText(given, "id", "the id of a limit");
        if (!(await limits().remove(name))) checkId(name, ids());
        return { removed: name };
      },
      format: ({ removed }: { removed: string }) => `removed the limit ${removed}`,
    },
  ];
}

/** Numbers and booleans are counted as their texts; the empty text is the count of who has none. */
function readValue(given: unknown): string {
  if (typeof given === "string") return given;
  if (typeof given === "number" || typeof given === "boolean") return String(given);
  throw wrong("value", valueExpected, given);
}

function checkId(id: string, known: readonly string[]): void {
  if (!known.includes(id)) throw nothingNamed("limit", id, known);
}
