import { parseArgs } from "node:util";
import { ConfigError } from "./config-error.ts";
import { decideConfigFault } from "./config-fault.ts";
import { type ConfigFile, configFileSchema } from "./config-schema.ts";

export { ConfigError } from "./config-error.ts";

/** A setting that has a flag and an environment variable. */
export interface Flag {
  readonly flag: string;
  readonly variable: string;
  /** Its key in `troupe.config.ts`; null for `--config` itself. */
  readonly key: keyof ConfigFile | null;
  readonly kind: "number" | "text" | "list" | "switch";
  /** What stands for the value in the help. */
  readonly placeholder: string;
  readonly description: string;
}

function flag(
  name: string,
  key: Flag["key"],
  kind: Flag["kind"],
  placeholder: string,
  description: string,
): Flag {
  const variable = `TROUPE_${name.replaceAll("-", "_").toUpperCase()}`;
  return { flag: name, variable, key, kind, placeholder, description };
}

/** All flags of `troupe start`, in the order of the help. */
export const startFlags: readonly Flag[] = [
  flag("port", "port", "number", "PORT", "port of the gateway; 0 takes a free one (4000)"),
  flag("host", "host", "text", "HOST", "address to listen on (127.0.0.1)"),
  flag("name", "name", "text", "NAME", "name of this node (troupe); NAME@HOST:PORT in a cluster"),
  flag("listen", "listen", "text", "HOST:PORT", "address for other nodes (that of the name)"),
  flag("join", "join", "list", "NODE", "a node to join, NAME@HOST:PORT; repeatable"),
  flag("role", "role", "text", "ROLE", "gateway, or service: its functions, no port for clients"),
  flag("service", "services", "list", "PATH", "a service module to start; repeatable"),
  flag("config", null, "text", "PATH", "configuration (troupe.config.ts, where there is one)"),
  flag("threads", "threads", "number", "N", "scheduler threads (one per core)"),
  flag("socket", "socket", "text", "PATH", "Unix socket for operators"),
  flag("relay-storage", "relayStorage", "text", "PATH", "durable relay groups in this file"),
  flag("no-repl", "noRepl", "switch", "", "no prompt in this terminal; the socket remains"),
  flag("demo", "demo", "switch", "", "the example services, and users without a password"),
];

/** The flags by which the other commands find a running gateway. */
export const clientFlags: readonly Flag[] = startFlags.filter(({ flag: name }) =>
  ["port", "socket", "config"].includes(name),
);

/** The variables by which they do: a service node, which has no port, goes by its address. */
export const clientVariables: readonly Flag[] = startFlags.filter(({ flag: name }) =>
  ["port", "socket", "config", "role", "name", "listen"].includes(name),
);

/** What one source sets. */
export interface Settings {
  readonly values: ConfigFile;
  readonly config: string | null;
  /** The switches that are not settings: `help`, `version`, `json`. */
  readonly switches: ReadonlySet<string>;
  /** The texts that are not settings, by flag: `node`. */
  readonly texts: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

/**
 * Reads the flags of a command line; after `--` everything is a positional.
 * @throws ConfigError for a flag that is in none of the lists, or has no or a wrong value.
 */
export function parseFlags(
  argv: readonly string[],
  flags: readonly Flag[],
  switches: readonly string[],
  texts: readonly string[] = [],
): Settings {
  const isSwitch = ({ kind }: Flag): boolean => kind === "switch";
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries([
      ...flags.map((one) => [one.flag, { type: isSwitch(one) ? "boolean" : "string" } as const]),
      ...switches.map((name) => [name, { type: "boolean" } as const] as const),
      ...texts.map((name) => [name, { type: "string" } as const] as const),
    ]),
    strict: false,
    tokens: true,
    allowPositionals: true,
  });
  const given = new Map<Flag, string[]>();
  const set = new Set<string>();
  const told = new Map<string, string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const known = rawName === `--${name}` ? flags.find((one) => one.flag === name) : undefined;
    const takesNone = known === undefined ? switches.includes(name) : isSwitch(known);
    const isText = known === undefined && texts.includes(name);
    if ((known === undefined && !takesNone && !isText) || rawName !== `--${name}`) {
      const all = [...flags.map((one) => one.flag), ...switches, ...texts].map((one) => `--${one}`);
      throw new ConfigError(`unknown flag ${rawName}: expected one of ${all.join(" ")}`);
    }
    if (takesNone && value !== undefined) {
      throw new ConfigError(`--${name}: expected no value, received ${JSON.stringify(value)}`);
    }
    if (known === undefined && takesNone) set.add(name);
    else if (known !== undefined && takesNone) given.set(known, ["true"]);
    else if (value === undefined || (!token.inlineValue && value.startsWith("--"))) {
      throw new ConfigError(`--${name}: expected a value, received nothing`);
    } else if (known === undefined) told.set(name, value);
    else given.set(known, [...(given.get(known) ?? []), value]);
  }
  const { values, config } = readValues(given, (one) => `--${one.flag}`);
  return { values, config, switches: set, texts: told, positionals };
}

/**
 * Reads the environment; an empty variable counts as none. A list is separated by commas.
 * @throws ConfigError that names the variable.
 */
export function parseEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  flags: readonly Flag[],
): Settings {
  const given = new Map<Flag, string[]>();
  for (const one of flags) {
    const text = environment[one.variable] ?? "";
    if (text !== "") given.set(one, one.kind === "list" ? text.split(",") : [text]);
  }
  const { values, config } = readValues(given, ({ variable }) => variable);
  return { values, config, switches: new Set(), texts: new Map(), positionals: [] };
}

function readValues(
  given: ReadonlyMap<Flag, readonly string[]>,
  nameOf: (flag: Flag) => string,
): Pick<Settings, "values" | "config"> {
  const values: Record<string, unknown> = {};
  let config: string | null = null;
  for (const [one, texts] of given) {
    if (one.key === null) {
      config = texts.at(-1) ?? null;
      continue;
    }
    const value = readValue(one, texts);
    const fault = decideConfigFault(configFileSchema.properties[one.key], value, "");
    if (fault !== null) throw new ConfigError(`${nameOf(one)}: ${fault.replace(/^\[\d+\]: /, "")}`);
    values[one.key] = value;
  }
  return { values, config };
}

/** The value that a text stands for; a text that stands for none is left to the schema to refuse. */
function readValue({ kind }: Flag, texts: readonly string[]): unknown {
  const last = texts.at(-1) ?? "";
  if (kind === "list") return texts;
  if (kind === "number") return /^\d+$/.test(last) ? Number(last) : last;
  if (kind === "switch") return switchValues[last] ?? last;
  return last;
}

const switchValues: Partial<Record<string, boolean>> = {
  ...{ true: true, 1: true, yes: true },
  ...{ false: false, 0: false, no: false },
};
