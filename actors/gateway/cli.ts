import { type CommandTable, formatUsages } from "#runtime";
import {
  ConfigError,
  clientFlags,
  type Flag,
  parseFlags,
  type Settings,
  startFlags,
} from "./config-flags.ts";

/** What a command line asks for. */
export type Action =
  | { readonly kind: "start"; readonly flags: Settings }
  | { readonly kind: "repl"; readonly flags: Settings }
  | {
      readonly kind: "command";
      readonly name: string;
      readonly words: readonly string[];
      readonly json: boolean;
      readonly flags: Settings;
    }
  /** Of one command, or of everything. */
  | { readonly kind: "help"; readonly command?: string }
  | { readonly kind: "version" };

/**
 * Reads a command line; without a command it is `start`.
 * @throws ConfigError, CommandError in one line for what it does not know.
 */
export function parseAction(argv: readonly string[], table: CommandTable): Action {
  const [first = ""] = argv;
  const isFlag = first === "" || first.startsWith("-");
  const name = isFlag ? "start" : first;
  const rest = isFlag ? argv : argv.slice(1);
  if (name === "help") return parseHelp(rest, table);
  if (name === "version") return { kind: "version" };
  if (name === "start") {
    const flags = parseFlags(rest, startFlags, ["help", "version"]);
    if (flags.switches.has("help")) return { kind: "help" };
    if (flags.switches.has("version")) return { kind: "version" };
    const command = isFlag ? flags.positionals.find((word) => table.find(word)) : undefined;
    if (command !== undefined) {
      throw new ConfigError(`expected the command before its flags: troupe ${command} ${first} …`);
    }
    refuseWords("start", flags);
    return { kind: "start", flags };
  }
  if (name !== "repl") table.get(name);
  const flags =
    name === "repl"
      ? parseFlags(rest, clientFlags, ["help"])
      : parseFlags(rest, clientFlags, ["json", "help"], takesNode(name, table) ? ["node"] : []);
  if (flags.switches.has("help")) return parseHelp([name], table);
  if (name === "repl") {
    refuseWords("repl", flags);
    return { kind: "repl", flags };
  }
  const json = flags.switches.has("json");
  const node = flags.texts.get("node");
  const words = node === undefined ? flags.positionals : [...flags.positionals, node];
  return { kind: "command", name, words, json, flags };
}

/** A command whose last parameter is a node has a flag for it. */
function takesNode(name: string, table: CommandTable): boolean {
  return table.get(name).parameters.at(-1)?.name === "node";
}

function parseHelp([topic]: readonly string[], table: CommandTable): Action {
  if (topic === undefined || topic === "start" || topic === "repl" || topic.startsWith("-")) {
    return { kind: "help" };
  }
  return { kind: "help", command: table.get(topic).name };
}

/** The text of `troupe help`, or of `troupe help COMMAND`. */
export function encodeHelp(table: CommandTable, command?: string): string {
  if (command !== undefined) return `usage: troupe ${formatUsages([table.get(command)]).trim()}`;
  const commands = table.list().filter(({ name }) => name !== "help");
  return [
    "usage: troupe [start] [FLAGS]        start a gateway",
    "       troupe repl                   a prompt of the running gateway",
    "       troupe COMMAND [--json]       one command of it",
    "",
    "flags of start (each also a variable, TROUPE_PORT and so on, and a key of troupe.config.ts):",
    formatFlags(startFlags),
    "  --help, --version",
    "",
    `commands (the running gateway is found by ${clientFlags.map(({ flag }) => `--${flag}`).join(", ")}):`,
    formatUsages(commands),
    "",
    "X is the name of an actor or service, or a pid such as 0.2.118; NODE the name of a node, which",
    "may stand behind --node; ARGS-JSON is what it says:",
    `  troupe call echo_service echo '{"message": "hello"}'`,
    "  troupe ask my_actor add '[1, 2]'",
  ].join("\n");
}

function formatFlags(flags: readonly Flag[]): string {
  const names = flags.map(({ flag, placeholder }) => `--${flag} ${placeholder}`.trim());
  const widest = Math.max(...names.map((name) => name.length));
  return flags
    .map(({ description }, index) => `  ${(names[index] ?? "").padEnd(widest)}  ${description}`)
    .join("\n");
}

function refuseWords(name: string, { positionals }: Settings): void {
  const [word] = positionals;
  if (word === undefined) return;
  throw new ConfigError(`${name}: expected flags alone, received ${JSON.stringify(word)}`);
}
