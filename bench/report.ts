/** One line of the table: what was measured, what is wanted, what came out. */
export interface Row {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  /** Null where nothing is wanted: a figure for comparison. */
  readonly met: boolean | null;
}

/** How much a bench does: `full` for figures, `smoke` to see that it runs. */
export type Scale = "full" | "smoke";

/** A bench: a name to select it by, and its rows. */
export interface BenchModule {
  readonly name: string;
  run(scale: Scale): Promise<Row[]>;
}

/** The rows as a Markdown table. */
export function formatTable(rows: readonly Row[]): string {
  const lines = ["| what | at least | measured | |", "|---|---|---|---|"];
  for (const { what, wanted, measured, met } of rows) {
    lines.push(`| ${what} | ${wanted} | ${measured} | ${met === null ? "" : met ? "✓" : "✗"} |`);
  }
  return lines.join("\n");
}

/** 12,345,678 as `12.3 M`. */
export function millions(perSecond: number): string {
  return `${(perSecond / 1e6).toFixed(perSecond < 1e6 ? 2 : 1)} M`;
}

/** The value in the middle of a list of numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
