import { realpathSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Whether a node starts actors of a module, or loads it, for other nodes. `source` is the URL of the
 * module, `allowed` the URLs of modules, or of folders with all that is in them (those end in `/`). A
 * file counts as what it is, not as the links that lead to it; the query of a URL makes no difference.
 */
export function isAllowedModule(source: string, allowed: readonly string[]): boolean {
  const url = plainUrl(source);
  if (url === null) return false;
  return allowed.some((one) => {
    const plain = plainUrl(one);
    if (plain === null) return false;
    return one.endsWith("/") ? url.startsWith(plain) : url === plain;
  });
}

/** The URL without query and links; null for what is none, and for a file that is not there. */
function plainUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, pathname } = new URL(text);
  // An encoded slash or dot would be one thing to this check and another to the loader.
  if (/%2f|%5c|%2e/i.test(pathname)) return null;
  const url = `${protocol}//${host}${pathname}`;
  if (protocol !== "file:") return url;
  try {
    const { href } = pathToFileURL(realpathSync.native(fileURLToPath(url)));
    return pathname.endsWith("/") ? `${href}/` : href;
  } catch {
    return null;
  }
}
