import { type Command, type CommandTable, formatCall, formatUsage } from "./command.ts";
import { formatTable } from "./table-text.ts";

/** A command as the help tells it. */
interface HelpEntry {
  readonly name: string;
  /** How to write it at the prompt. */
  readonly call: string;
  /** How to write it in a shell. */
  readonly usage: string;
  readonly description: string;
}

/** The table with `help` in it, which lists all of them, itself too. */
export function withHelp(table: CommandTable): CommandTable {
  const help: Command = {
    name: "help",
    parameters: [
      { name: "command", kind: "text", optional: true, complete: () => full.list().map(nameOf) },
    ],
    description: "this list, or one command of it",
    run: (name) =>
      (name === undefined ? full.list() : [full.get(String(name))]).map(describeCommand),
    format: formatCalls,
  };
  const full = table.with([help]);
  return full;
}

/** The commands as they are written at the prompt. */
function formatCalls(entries: readonly HelpEntry[]): string {
  return formatTable(
    [
      { title: "command", cell: ({ call }) => call },
      { title: "what it does", cell: ({ description }) => description },
    ],
    entries,
    "no commands",
  );
}

/** The commands as they are written in a shell, one a line, each line indented by two spaces. */
export function formatUsages(commands: readonly Command[]): string {
  const usages = commands.map((command) => [formatUsage(command), command.description] as const);
  const widest = Math.max(...usages.map(([usage]) => usage.length));
  return usages.map(([usage, what]) => `  ${usage.padEnd(widest)}  ${what}`).join("\n");
}

function describeCommand(command: Command): HelpEntry {
  const { name, description } = command;
  return { name, call: formatCall(command), usage: formatUsage(command), description };
}

function nameOf({ name }: Command): string {
  return name;
}
