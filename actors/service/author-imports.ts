import { registerHooks } from "node:module";

/** What the author of a service imports, for a module that lies where its package cannot be found. */
const OWN: ReadonlyMap<string, string> = new Map([
  ["troupe", import.meta.resolve("#actors")],
  ["#actors", import.meta.resolve("#actors")],
  ["typebox", import.meta.resolve("typebox")],
]);

let isRegistered = false;

/**
 * Lets service modules anywhere on the disk import `troupe` and `typebox`, on this thread. A module
 * that finds them by itself keeps what it finds. Idempotent.
 */
export function provideAuthorImports(): void {
  if (isRegistered) return;
  isRegistered = true;
  registerHooks({
    resolve(specifier, context, next) {
      const url = OWN.get(specifier);
      if (url === undefined) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch {
        return { url, shortCircuit: true };
      }
    },
  });
}
