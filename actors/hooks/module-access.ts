import { realpathSync } from "node:fs";
import { isBuiltin } from "node:module";
import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { printReceived } from "../registry/index.ts";

/**
 * The table of what may be imported because a configuration names it. Its keys are `file:` URLs: of
 * folders, which end in `/` and mean all that lies under them, or of single files.
 */
export const trustedModulesTable = "trusted_modules";

/** The URL to import, or why the module is not imported; the reason is for the log. */
export type ModuleAccess =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly reason: string };

/** Most UTF-16 units of a module's name; no path that Linux takes is longer as a URL. */
const MAX_MODULE_LENGTH = 12_288;

const SOURCE_FILE = /\.[cm]?[jt]s$/;

/** Beside what every object inherits: what evaluates text, or means something to the importer. */
const DENIED_FUNCTIONS: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Object.prototype),
  ...["arguments", "caller", "default", "eval", "Function", "globalThis", "process", "prototype"],
  ...["require", "then"],
]);

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]{0,255}$/u;

/**
 * Why a configuration may not call the export of this name; null when it may. Allowed are
 * identifiers of at most 256 characters, except those in {@link DENIED_FUNCTIONS}.
 */
export function decideFunctionAccess(name: string): string | null {
  if (typeof name === "string" && IDENTIFIER.test(name) && !DENIED_FUNCTIONS.has(name)) return null;
  return `the function ${printReceived(name)} may not be called by a configuration`;
}

/**
 * Whether a configuration may name this module, as far as names tell: an absolute path or a `file:`
 * URL (its query is kept, for it tells the versions of a module apart) of a JavaScript or TypeScript
 * file that lies in one of the `trusted` folders or is one of the `trusted` files. Denied before any
 * folder is looked at: modules of Node.js, bare specifiers, all other schemes, hosts, fragments,
 * `..` in any spelling, control characters; and, inside a trusted folder, its `node_modules`: what
 * the services there depend on was not written to be called by a configuration. Pure; symlinks are
 * for {@link resolveModuleAccess}.
 */
export function decideModuleAccess(module: string, trusted: Iterable<string>): ModuleAccess {
  const named = parseModule(module);
  if (!named.ok) return named;
  const path = withoutQuery(named.url);
  for (const root of trusted) {
    if (path === root) return named;
    if (!root.startsWith("file:///") || !root.endsWith("/") || !path.startsWith(root)) continue;
    if (!path.slice(root.length - 1).includes("/node_modules/")) return named;
  }
  return refuse(module, "it is in no trusted folder");
}

/**
 * As {@link decideModuleAccess}, for the file that is really meant: symlinks are followed, in the
 * module as in the trusted folders. The URL is that of the real file. Reads the file system, throws
 * nothing.
 */
export function resolveModuleAccess(module: string, trusted: Iterable<string>): ModuleAccess {
  const named = parseModule(module);
  if (!named.ok) return named;
  const path = withoutQuery(named.url);
  const real = selectRealUrl(path);
  if (real === null) return refuse(module, "there is no such file");
  const roots = [...trusted].map(selectRealUrl).filter((root) => root !== null);
  const access = decideModuleAccess(real + named.url.slice(path.length), roots);
  return access.ok || real === path
    ? access
    : refuse(module, "a symlink leads it out of its folder");
}

function parseModule(module: string): ModuleAccess {
  if (typeof module !== "string" || module === "" || module.length > MAX_MODULE_LENGTH) {
    return refuse(module, `expected a path of 1 to ${MAX_MODULE_LENGTH} characters`);
  }
  if (isBuiltin(module) || /^node:/i.test(module)) return refuse(module, "it is part of Node.js");
  const isUrl = !isAbsolute(module);
  if (isUrl && !/^file:/i.test(module)) {
    return refuse(module, "expected an absolute path or a file: URL");
  }
  try {
    // Before the URL parser sees it, which resolves `..` and drops line breaks without a word.
    const [path = ""] = isUrl ? module.split(/[?#]/, 1) : [module];
    const segments = path.split(/[\\/]/);
    const fault = decidePathFault(isUrl ? segments.map(decodeURIComponent) : segments);
    if (fault !== null) return refuse(module, fault);
    const url = isUrl ? new URL(module) : pathToFileURL(module);
    if (url.host !== "") return refuse(module, "it names a host");
    if (isUrl && module.includes("#")) return refuse(module, "it has a fragment");
    const { href } = pathToFileURL(fileURLToPath(url));
    return SOURCE_FILE.test(href)
      ? { ok: true, url: href + url.search }
      : refuse(module, "it is no JavaScript or TypeScript file");
  } catch {
    return refuse(module, "it is no file: URL");
  }
}

function decidePathFault(segments: readonly string[]): string | null {
  for (const segment of segments) {
    if (segment === "..") return "it climbs out with ..";
    if (/[\\/]/.test(segment)) return "it hides a slash";
    if (/\p{Cc}/u.test(segment)) return "it has control characters";
  }
  return null;
}

/** The URL without symlinks, a folder's with its slash; null when there is nothing there. */
function selectRealUrl(url: string): string | null {
  try {
    const { href } = pathToFileURL(realpathSync.native(fileURLToPath(url)));
    return url.endsWith("/") && !href.endsWith("/") ? `${href}/` : href;
  } catch {
    return null;
  }
}

function withoutQuery(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

function refuse(module: string, why: string): ModuleAccess {
  return { ok: false, reason: `the module ${printReceived(module)} may not be imported: ${why}` };
}
