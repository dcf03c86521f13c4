/** The paths in a configuration: relative to where it stands, and there. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ConfigError } from "./config-error.ts";

/** Where a configuration stands. */
export interface ConfigPlace {
  /** Of the file, for messages. */
  readonly path: string | null;
  /** Where its relative paths start. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * The URL of a module that is named by a path or a `file:` URL.
 * @throws ConfigError `<where>: expected <expected>, no file at …`.
 */
export function moduleUrl(named: string, folder: string, where: string, expected: string): string {
  return pathToFileURL(filePath(named, folder, where, expected)).href;
}

/** The absolute path of a file that is there. @throws ConfigError as {@link moduleUrl}. */
export function filePath(named: string, folder: string, where: string, expected: string): string {
  const path = absolute(named, folder);
  if (existsSync(path)) return path;
  throw new ConfigError(`${where}: expected ${expected}, no file at ${path}`);
}

/**
 * The URL of a file, or of a folder with a slash at the end.
 * @throws ConfigError as {@link moduleUrl}.
 */
export function trustedUrl(named: string, folder: string, where: string): string {
  const path = filePath(named, folder, where, "a folder or module");
  return statSync(path).isDirectory() ? folderUrl(path) : pathToFileURL(path).href;
}

/** The URL of the folder that a module lies in. */
export function folderOf(url: string): string {
  return folderUrl(dirname(fileURLToPath(url)));
}

/** The URL of a folder, with a slash at the end. */
function folderUrl(path: string): string {
  const { href } = pathToFileURL(path);
  return href.endsWith("/") ? href : `${href}/`;
}

function absolute(named: string, folder: string): string {
  return named.startsWith("file:") ? fileURLToPath(named) : resolve(folder, named);
}
