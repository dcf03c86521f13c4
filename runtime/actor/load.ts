import { TroupeError, toErrorRecord } from "../core/index.ts";
import { Actor, type ActorClass } from "./actor.ts";

/** Imports a module by URL: the platform's `import` in production. */
export type ModuleLoader = (source: string) => Promise<Record<string, unknown>>;

/**
 * The real loader. The platform reads and links modules where it is called, which takes a while: not
 * in the turn of an actor, which would be logged as slow.
 */
export const importModule: ModuleLoader = async (source) => {
  await null;
  return import(source);
};

/**
 * The actor class that a module exports under `exportName`, or as its default.
 * @throws TroupeError `load_failed` that names module, export and what was wrong.
 */
export async function loadActorClass(
  loadModule: ModuleLoader,
  source: string,
  exportName: string,
): Promise<ActorClass> {
  let module: Record<string, unknown>;
  try {
    module = await loadModule(source);
  } catch (error) {
    const { message } = toErrorRecord(error);
    throw new TroupeError("load_failed", `${source} could not be loaded: ${message}`, error);
  }
  const found = module[exportName] ?? module["default"];
  if (typeof found === "function" && found.prototype instanceof Actor) return found as ActorClass;
  throw new TroupeError(
    "load_failed",
    `${source}: expected the export ${exportName} to be a class that extends Actor, ` +
      `found ${found === undefined ? `only ${Object.keys(module).join(", ") || "nothing"}` : typeof found}`,
  );
}
