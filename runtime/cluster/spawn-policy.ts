/**
 * Whether a node starts actors of a module for other nodes. `source` is the URL of the module,
 * `allowed` the URLs of modules, or of folders with all that is in them (those end in `/`). The query
 * of a URL and its way through the folders make no difference.
 */
export function isAllowedModule(source: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(source)) return false;
  const { protocol, host, pathname } = new URL(source);
  // An encoded slash or dot would be one thing to this check and another to the loader.
  if (/%2f|%5c|%2e/i.test(pathname)) return false;
  const url = `${protocol}//${host}${pathname}`;
  return allowed.some((one) => (one.endsWith("/") ? url.startsWith(one) : url === one));
}
