import { isMessageName } from "#runtime";
import { type BatchOutcome, isMap, parseBatch, printReceived } from "../registry/index.ts";
import type { FunctionEntry, ServiceDefinition } from "./define-service.ts";
import { encodeOptionFaults } from "./option-faults.ts";

/** The message that stands for a function on its instances. */
export function messageName(requestType: string, entry: FunctionEntry): string {
  if (entry.method !== undefined) return entry.method;
  const { version, handler } = entry;
  // The versions of an actor class's function are one method unless it names others.
  return handler === undefined || !version ? requestType : `${requestType}@${version}`;
}

/**
 * The registry's entries for a service whose instances are registered as `module`; or everything
 * that is wrong with its functions and options. `hasMethod` tells whether the instances have a
 * method, where the functions are methods of an actor class; null where each has its handler.
 */
export function parseServiceConfigs(
  definition: ServiceDefinition,
  module: string,
  hasMethod: ((method: string) => boolean) | null,
): BatchOutcome {
  const faults = encodeOptionFaults(definition.options);
  const inputs: unknown[] = [];
  if (definition.functions.size === 0) faults.push("expected at least one function");
  for (const [requestType, entries] of definition.functions) {
    for (const entry of entries) {
      const at = `${definition.name}/${requestType}`;
      if (!isMap(entry)) {
        faults.push(`${at}: expected a function, received ${printReceived(entry)}`);
        continue;
      }
      const fault = decideCodeFault(messageName(requestType, entry), entry, hasMethod);
      if (fault !== null) faults.push(`${at}: ${fault}`);
      inputs.push(encodeInput(definition.name, requestType, entry, module));
    }
  }
  const batch = parseBatch(inputs);
  if (!batch.ok) faults.push(...batch.faults);
  return faults.length > 0 ? { ok: false, faults } : batch;
}

function decideCodeFault(
  method: string,
  { handler }: FunctionEntry,
  hasMethod: ((method: string) => boolean) | null,
): string | null {
  if (!isMessageName(method))
    return `the name ${printReceived(method)} belongs to the life of an actor`;
  if (hasMethod === null) {
    if (typeof handler === "function") return null;
    return `handler: expected a function, received ${printReceived(handler)}`;
  }
  if (handler !== undefined) return "handler: an actor class has methods, not handlers";
  return hasMethod(method) ? null : `the class has no public method ${printReceived(method)}`;
}

function encodeInput(
  service: string,
  requestType: string,
  entry: FunctionEntry,
  module: string,
): unknown {
  const { handler: _handler, method: _method, args, ...rest } = entry;
  const mfa = { module, function: messageName(requestType, entry) };
  if (args === undefined) return { ...rest, service, requestType, mfa };
  // Both at once is told as what it is: a field too many.
  if (rest.argTypes !== undefined) return { ...rest, args, service, requestType, mfa };
  return { ...rest, argTypes: args, service, requestType, mfa };
}
