import { readFileSync, statSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ReplyError, toErrorRecord } from "#runtime";
import { provideAuthorImports } from "./author-imports.ts";

/**
 * The file URL of a service module: a path, taken from the working directory of the process, or a
 * `file:` URL.
 * @throws ReplyError `no_such_file`, also for what cannot be a path or must not be looked at;
 *   `load_failed` for a URL of another kind.
 */
export function resolveServiceModule(pathOrUrl: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(pathOrUrl);
  if (isUrl && !pathOrUrl.startsWith("file:")) {
    throw new ReplyError("load_failed", `${pathOrUrl}: expected a path or a file: URL`);
  }
  let path = pathOrUrl;
  try {
    path = isUrl ? fileURLToPath(pathOrUrl) : resolve(pathOrUrl);
    if (statSync(path).isFile()) return pathToFileURL(path).href;
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    if (code !== "ENOENT") throw new ReplyError("no_such_file", `${path}: ${message}`, error);
  }
  throw new ReplyError("no_such_file", `${path}: there is no such file`);
}

/** The URL under which one state of a module is imported: ES modules are cached by URL for good. */
export function versionedUrl(source: string, token: number): string {
  return `${source}?v=${token}`;
}

/** The default export of a module; see {@link importModule}. */
export async function importServiceModule(url: string): Promise<unknown> {
  return Reflect.get(await importModule(url), "default");
}

/**
 * Imports a module that {@link versionedUrl} names: its exports.
 * @throws ReplyError `load_failed` with path, line where it is known, and reason.
 */
export async function importModule(url: string): Promise<object> {
  provideAuthorImports();
  try {
    return await import(url);
  } catch (error) {
    const path = fileURLToPath(url);
    const line = findLine(error, path);
    const { name, message } = toErrorRecord(error);
    const place = line === null ? path : `${path}:${line}`;
    throw new ReplyError("load_failed", `${place}: ${name}: ${message}`, error);
  }
}

/** The line of the module at which it failed: from the stack, or by parsing it once more. */
function findLine(error: unknown, path: string): number | null {
  const found = selectLine(toErrorRecord(error).stack ?? "", path);
  if (found !== null || !(error instanceof SyntaxError)) return found;
  try {
    // The error of the JavaScript parser keeps its place to itself; this parser tells.
    stripTypeScriptTypes(readFileSync(path, "utf8"), { sourceUrl: path });
  } catch (again) {
    return selectLine(toErrorRecord(again).stack ?? "", path);
  }
  return null;
}

/** The first line number that a stack gives for a file. */
function selectLine(stack: string, path: string): number | null {
  const at = stack.indexOf(path);
  if (at < 0) return null;
  const line = /^(?:\?[^:\s]*)?:(\d+)/.exec(stack.slice(at + path.length))?.[1];
  return line === undefined ? null : Number(line);
}
