/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string | number;
  /** Default `left`. */
  readonly align?: "left" | "right";
}

/** A table in plain text: a line of titles, a line per row, two spaces between the columns. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  whenEmpty: string,
): string {
  if (rows.length === 0) return whenEmpty;
  const lines = [columns.map(({ title }) => title)];
  for (const row of rows) lines.push(columns.map(({ cell }) => oneLine(cell(row))));
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => width(line[index]))));
  return lines
    .map((line) =>
      line
        .map((text, index) => {
          const room = " ".repeat((widths[index] ?? 0) - text.length);
          return columns[index]?.align === "right" ? room + text : text + room;
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Field names and values, one below the other; what is a list or record stands as JSON. */
export function formatFields(fields: Readonly<Record<string, unknown>>): string {
  const longest = Math.max(0, ...Object.keys(fields).map((name) => name.length));
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = typeof value === "object" && value !== null ? JSON.stringify(value) : `${value}`;
      return `${name.padEnd(longest)}  ${oneLine(text)}`;
    })
    .join("\n");
}

/** For people: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.floor(durationMs / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function width(text: string | undefined): number {
  return text?.length ?? 0;
}

/** A name may hold anything; on the screen it stays in its line and moves no cursor. */
function oneLine(value: string | number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return String(value).replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "�");
}
