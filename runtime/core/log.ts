import { inspect } from "node:util";
import { type Clock, formatWallTime } from "./clock.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Takes one line for an operator; `fields` are printed as `key=value` behind the message. */
export type Log = (level: LogLevel, message: string, fields?: Record<string, unknown>) => void;

const rank: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3 };

/** One line: time, level, message, fields. Line breaks inside a value are escaped. */
export function formatLogLine(
  wallTime: number,
  level: LogLevel,
  message: string,
  fields: Record<string, unknown> = {},
): string {
  let line = `${formatWallTime(wallTime)} ${level.padEnd(5)} ${message.replaceAll("\n", "\\n")}`;
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
  }
  return line;
}

/** A log that writes each line at or over `minimum` with `write`. */
export function lineLog(clock: Clock, minimum: LogLevel, write: (line: string) => void): Log {
  return (level, message, fields) => {
    if (rank[level] < rank[minimum]) return;
    write(formatLogLine(clock.wallTime(), level, message, fields));
  };
}

function formatValue(value: unknown): string {
  const text = typeof value === "string" ? value : textOf(value);
  return /^[\w.:<>/@+-]+$/.test(text) ? text : JSON.stringify(text);
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    // A bigint, a cycle, a throwing getter: the line is worth more than the value.
    return inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY });
  }
}
