import { resolve } from "node:path";

/**
 * How a command takes a value. In a shell each is one word:
 * - `text`: as it stands.
 * - `file`: a path; a relative one is meant from the folder of whoever typed it.
 * - `json`: any value; a word that is not JSON is refused.
 * - `rest`: the remaining arguments; in a shell one JSON list, or one JSON value for a single one.
 */
type ParameterKind = "text" | "file" | "json" | "rest";

/** One parameter of a command. */
export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  /** Default false; those after an optional one are optional as well. */
  readonly optional?: boolean;
  /** What may stand here, for tab completion; `before` are the arguments that precede it. */
  readonly complete?: (before: readonly string[]) => readonly string[];
}

/**
 * Something that an operator can do. The same entry is a function in the REPL, a command of the
 * shell and a line of the help.
 */
export interface Command {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** One line. */
  readonly description: string;
  /**
   * Returns plain data, which is what a program gets. Its arguments are what an operator typed:
   * anything.
   * @throws CommandError for what the operator can mend.
   */
  readonly run: (...args: unknown[]) => unknown;
  /** What a person sees of what `run` returned; default: as `util.inspect` shows it. */
  readonly format?: (value: never) => string;
}

/** A command that could not be carried out; the message is one line for the operator. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** The commands that there are, by name, in the order in which the help lists them. */
export class CommandTable {
  readonly #commands: ReadonlyMap<string, Command>;

  constructor(commands: readonly Command[]) {
    this.#commands = new Map(commands.map((command) => [command.name, command]));
  }

  /** A table with more commands; one whose name is there already replaces that one. */
  with(commands: readonly Command[]): CommandTable {
    return new CommandTable([...this.#commands.values(), ...commands]);
  }

  list(): Command[] {
    return [...this.#commands.values()];
  }

  /** @throws CommandError for a name that no command has. */
  get(name: string): Command {
    const command = this.#commands.get(name);
    if (command !== undefined) return command;
    throw new CommandError(
      `unknown command ${JSON.stringify(name)}: expected one of ${[...this.#commands.keys()].join(", ")}`,
    );
  }

  find(name: string): Command | undefined {
    return this.#commands.get(name);
  }
}

/** As a function: `ask(x, method, ...args)`. */
export function formatCall({ name, parameters }: Command): string {
  const list = parameters.map((parameter) => {
    if (parameter.kind === "rest") return `...${parameter.name}`;
    return parameter.optional ? `${parameter.name}?` : parameter.name;
  });
  return `${name}(${list.join(", ")})`;
}

/** As a command of the shell: `ask X METHOD [ARGS-JSON]`. */
export function formatUsage({ name, parameters }: Command): string {
  const words = parameters.map((parameter) => {
    const { kind, optional } = parameter;
    const isJson = kind === "json" || kind === "rest";
    const word = parameter.name.toUpperCase() + (isJson ? "-JSON" : "");
    return optional || kind === "rest" ? `[${word}]` : word;
  });
  return [name, ...words].join(" ");
}

/**
 * The arguments that the words of a shell stand for; relative paths start from `folder`.
 * @throws CommandError that names the parameter, or shows the usage when the number is wrong.
 */
export function parseWords(command: Command, words: readonly string[], folder: string): unknown[] {
  const { parameters } = command;
  const needed = parameters.filter(({ kind, optional }) => !optional && kind !== "rest").length;
  if (words.length < needed || words.length > parameters.length) {
    const count = needed === parameters.length ? `${needed}` : `${needed} to ${parameters.length}`;
    throw new CommandError(
      `${command.name}: expected ${count} ${count === "1" ? "argument" : "arguments"}, received ${words.length}; ` +
        `usage: ${formatUsage(command)}`,
    );
  }
  return words.flatMap((word, index) => {
    const { name, kind } = parameters[index] as Parameter;
    if (kind === "text") return [word];
    if (kind === "file") return [isUrl(word) ? word : resolve(folder, word)];
    const value = parseJsonWord(command, name, word);
    return kind === "rest" && Array.isArray(value) ? value : [value];
  });
}

function parseJsonWord(command: Command, name: string, word: string): unknown {
  try {
    return JSON.parse(word);
  } catch {
    throw new CommandError(
      `${command.name}: ${name}: expected JSON, received ${JSON.stringify(word)}`,
    );
  }
}

function isUrl(word: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(word);
}
