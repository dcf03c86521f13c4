import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { ActorClass } from "#runtime";
import { type ModuleFunctionSpec, moduleClassOf } from "./module-class.ts";
import { importModule } from "./service-module.ts";

/**
 * The class of the instances of one state of one plain module: imported, as that of services, under
 * a URL whose query names the module and its functions.
 */
export const ModuleInstance: ActorClass = await loadInstanceClass(new URL(import.meta.url));

async function loadInstanceClass({ searchParams }: URL): Promise<ActorClass> {
  const url = searchParams.get("module") ?? "";
  const functions = JSON.parse(searchParams.get("functions") ?? "[]") as ModuleFunctionSpec[];
  const path = fileURLToPath(url);
  const label = basename(path, extname(path));
  return moduleClassOf(label, await importModule(url), functions, url);
}
