import type { CommandTable } from "./command.ts";

/** What node:readline wants: what may stand there, and the part of the line that it replaces. */
export type Completion = readonly [candidates: readonly string[], fragment: string];

/**
 * Completes the string literal at the end of `line`, when it is an argument of a command: names of
 * actors and services, say. Undefined for anything else, which JavaScript itself completes.
 */
export function selectArguments(line: string, table: CommandTable): Completion | undefined {
  const match =
    /(?:^|[^\w.$])(\w+)\(((?:\s*(?:"[^"]*"|'[^']*'|`[^`]*`)\s*,)*)\s*["'`]([^"'`]*)$/.exec(line);
  if (match === null) return undefined;
  const [, name = "", list = "", fragment = ""] = match;
  const before = [...list.matchAll(/"([^"]*)"|'([^']*)'|`([^`]*)`/g)].map(
    ([, double, single, back]) => double ?? single ?? back ?? "",
  );
  const complete = table.find(name)?.parameters[before.length]?.complete;
  if (complete === undefined) return undefined;
  return [select(complete(before), fragment), fragment];
}

/** The commands whose name begins as the last word of `line` does, written as calls. */
export function selectCommands(line: string, table: CommandTable): Completion {
  const fragment = /(?:^|[^\w.$])(\w*)$/.exec(line)?.[1];
  if (fragment === undefined) return [[], ""];
  const calls = table
    .list()
    .map(({ name, parameters }) => (parameters.length ? `${name}(` : `${name}()`));
  return [select(calls, fragment), fragment];
}

function select(candidates: readonly string[], fragment: string): string[] {
  return [...new Set(candidates)].filter((candidate) => candidate.startsWith(fragment)).sort();
}
