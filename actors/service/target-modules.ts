import { dirname, isAbsolute, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMap, isModulePath } from "../registry/index.ts";

/** The fields of a FunConfig that can name a function of a module, in both spellings. */
const TARGET_FIELDS = [
  ...["nodes", "chooseNodeMode", "choose_node_mode"],
  ...["permissionCallback", "permission_callback"],
  ...["beforeExecute", "before_execute", "afterExecute", "after_execute"],
] as const;

/** Where a config was written down. */
export interface ConfigPlace {
  /** The `file:` URL that relative paths start from. */
  readonly base: string;
  /** The URL that a target without a module means; null where it means nothing. */
  readonly own: string | null;
}

/** The functions of modules that a config names beside its own, by field as it is spelled. */
export function listTargets(
  config: object,
): (readonly [field: string, target: Readonly<Record<string, unknown>>])[] {
  return TARGET_FIELDS.flatMap((field) => {
    const target: unknown = Reflect.get(config, field);
    return isMap(target) && Object.hasOwn(target, "function") ? [[field, target] as const] : [];
  });
}

/**
 * The config with the modules of its hooks, callback, resolver and strategy as `file:` URLs. What is
 * wrong with them is left for the validation to tell.
 */
export function resolveTargets(
  config: Readonly<Record<string, unknown>>,
  { base, own }: ConfigPlace,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...config };
  for (const [field, target] of listTargets(config)) {
    const { module = own } = target;
    if (typeof module !== "string") continue;
    resolved[field] = { ...target, module: resolveModulePath(module, base) };
  }
  return resolved;
}

/** The `file:` URL of a path, from the folder of `base` if relative; anything else as it is. */
export function resolveModulePath(module: string, base: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(module) || module.includes("\0")) return module;
  if (!isModulePath(module) || isAbsolute(module)) return module;
  return pathToFileURL(resolve(dirname(fileURLToPath(base)), module)).href;
}
