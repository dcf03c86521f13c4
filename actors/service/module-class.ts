import type { ActorClass } from "#runtime";
import { type FunctionEntry, ServiceDefinition } from "./define-service.ts";
import { serviceClassOf } from "./service-class.ts";

/** A function of a plain module, as configurations name it. */
export interface ModuleFunctionSpec {
  /** The name under which the module exports it. */
  readonly name: string;
  /** It gets the request's info behind its arguments. */
  readonly requestInfo: boolean;
  /** Its result is iterated, chunk by chunk. */
  readonly isStream: boolean;
}

/** Whether a module exports a function under a name of its own. */
export function exportsFunction(namespace: object, name: string): boolean {
  return Object.hasOwn(namespace, name) && typeof Reflect.get(namespace, name) === "function";
}

/**
 * The class of the instances of a plain module: the functions that configurations name are its
 * messages, no others. They get the arguments of the call alone, and the request's info where asked
 * for. A throw is answered as that of a service's handler; the instance goes on.
 * @throws TypeError for a function that the module does not export.
 */
export function moduleClassOf(
  label: string,
  namespace: object,
  functions: readonly ModuleFunctionSpec[],
  module: string,
): ActorClass {
  const entries = functions.map(({ name, requestInfo, isStream }) => {
    if (!exportsFunction(namespace, name)) {
      throw new TypeError(`${module}: it exports no function ${name}`);
    }
    const inner = Reflect.get(namespace, name) as (...args: unknown[]) => unknown;
    const handler = (...args: unknown[]): unknown => {
      // The context stands behind the arguments, and the request's info behind that.
      args.splice(requestInfo ? -2 : -1, 1);
      return inner(...args);
    };
    const entry: FunctionEntry = {
      ...{ handler, requestInfo, responseType: isStream ? "stream" : "sync" },
    };
    return [name, [entry]] as const;
  });
  const definition = new ServiceDefinition(label, new Map(entries), {});
  return serviceClassOf(definition, null, module);
}
