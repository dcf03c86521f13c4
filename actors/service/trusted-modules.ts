import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TableWriter } from "#runtime";

/**
 * Keeps the table of what configurations may name: what the gateway's configuration allows, and the
 * folder of each loaded service.
 */
export class TrustedModules {
  readonly #table: TableWriter<true>;
  readonly #allowed: readonly string[];

  /** `allowed`: `file:` URLs of files, or of folders, with or without a slash at their end. */
  constructor(table: TableWriter<true>, allowed: readonly string[]) {
    this.#table = table;
    this.#allowed = allowed.map(asFolder);
  }

  /** `file:` URLs: of files, and of folders, which end in `/`. */
  list(): string[] {
    return Array.from(this.#table.entries(), ([url]) => url);
  }

  /** Makes the folders of these modules all that is trusted beside what is always allowed. */
  follow(sources: Iterable<string>): void {
    const wanted = new Set(this.#allowed);
    for (const source of sources) wanted.add(folderOf(source));
    for (const url of wanted) if (!this.#table.has(url)) this.#table.set(url, true);
    for (const url of this.list()) if (!wanted.has(url)) this.#table.delete(url);
  }
}

/** The URL of the folder of a file. */
export function folderOf(source: string): string {
  return new URL(".", source).href;
}

/** A folder without its slash would be taken for a file, and nothing under it be trusted. */
function asFolder(url: string): string {
  if (url.endsWith("/")) return url;
  const isFolder = statSync(fileURLToPath(url), { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? `${url}/` : url;
}
