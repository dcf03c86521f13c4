import type { ActorClass } from "#runtime";
import { parseServiceExport, serviceClassOf } from "./service-class.ts";
import { importServiceModule } from "./service-module.ts";

/**
 * The class of the instances of one state of one service: this module is imported under a URL whose
 * query names the module of the service and the group that its instances join. So a supervisor can
 * start them, on any thread and again after a crash, by a URL and an export name alone.
 */
export const ServiceInstance: ActorClass = await loadInstanceClass(new URL(import.meta.url));

async function loadInstanceClass({ searchParams }: URL): Promise<ActorClass> {
  const url = searchParams.get("service") ?? "";
  const read = parseServiceExport(await importServiceModule(url));
  if (!read.ok) throw new TypeError(`${url}: ${read.reason}`);
  return serviceClassOf(read.definition, read.actorClass, searchParams.get("module") ?? "");
}
