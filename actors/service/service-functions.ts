import { ReplyError } from "#runtime";
import { messageName } from "./fun-configs.ts";
import { parseServiceExport } from "./service-class.ts";
import { importServiceModule } from "./service-module.ts";

/** A function that can be called without an instance of its service. */
export interface ServiceFunction {
  readonly handler: (...args: readonly unknown[]) => unknown;
  /** It gets the request's info behind its context. */
  readonly requestInfo: boolean;
}

type Functions = ReadonlyMap<string, ServiceFunction>;

/** By the URL of the module; those of replaced states stay, as their modules do. */
const imported = new Map<string, Promise<Functions>>();

/**
 * The functions of a service module, by the messages that stand for them on its instances; none for
 * an actor class, whose methods need its instance. Imported once on a thread.
 * @throws ReplyError `load_failed`.
 */
export function importFunctions(url: string): Promise<Functions> {
  let functions = imported.get(url);
  if (functions === undefined) {
    functions = readFunctions(url);
    imported.set(url, functions);
    functions.catch(() => imported.delete(url));
  }
  return functions;
}

async function readFunctions(url: string): Promise<Functions> {
  const read = parseServiceExport(await importServiceModule(url));
  if (!read.ok) throw new ReplyError("load_failed", `${url}: ${read.reason}`);
  const functions = new Map<string, ServiceFunction>();
  for (const [requestType, entries] of read.definition.functions) {
    for (const entry of entries) {
      const { handler, requestInfo = false } = entry;
      if (handler === undefined) continue;
      const call = handler as ServiceFunction["handler"];
      functions.set(messageName(requestType, entry), { handler: call, requestInfo });
    }
  }
  return functions;
}
