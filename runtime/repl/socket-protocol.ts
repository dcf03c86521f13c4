/**
 * What is said on the operators' Unix socket. The client opens with one line of JSON: a command,
 * which is answered by one line of JSON and the end, or the wish for a prompt, after which the
 * socket is that prompt's terminal.
 */

/** The longest first line, bytes. */
export const maxOpeningBytes = 1_048_576;

/** What a client wants. */
export type Opening =
  | { readonly mode: "repl"; readonly terminal: boolean; readonly columns: number }
  | { readonly mode: "command"; readonly name: string; readonly args: readonly unknown[] };

/** What a command came to: its value as data, and as text for people. */
export type Answer =
  | { readonly ok: true; readonly value: unknown; readonly text: string }
  | { readonly ok: false; readonly error: string };

/** The opening that a line holds, or what is wrong with it. */
export function parseOpening(line: string): Opening | { readonly fault: string } {
  let opening: Partial<Record<string, unknown>>;
  try {
    opening = Object(JSON.parse(line));
  } catch {
    return { fault: "expected one line of JSON" };
  }
  const { mode, name, args = [], terminal = false, columns = 80 } = opening;
  if (mode === "repl") {
    if (typeof terminal !== "boolean") return { fault: "terminal: expected true or false" };
    if (!Number.isInteger(columns) || Number(columns) < 1) {
      return { fault: "columns: expected a whole number >= 1" };
    }
    return { mode, terminal, columns: Number(columns) };
  }
  if (mode !== "command") return { fault: 'mode: expected "repl" or "command"' };
  if (typeof name !== "string") return { fault: "name: expected the name of a command" };
  if (!Array.isArray(args)) return { fault: "args: expected a list" };
  return { mode, name, args };
}

/** An answer as its line; what JSON cannot express is told instead of left out. */
export function encodeAnswer(answer: Answer): string {
  try {
    return `${JSON.stringify(answer, replaceBigint)}\n`;
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return `${JSON.stringify({ ok: false, error: `the result has no JSON form: ${why}` })}\n`;
  }
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
