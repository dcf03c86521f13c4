import { types } from "node:util";
import { isMessageName } from "#runtime";
import {
  type BatchOutcome,
  isMap,
  parseBatch,
  printReceived,
  type RefusedConfig,
} from "../registry/index.ts";
import type { FunctionEntry, ServiceDefinition } from "./define-service.ts";
import { encodeOptionFaults } from "./option-faults.ts";
import { listTargets, resolveTargets } from "./target-modules.ts";

/** Where the functions of a service come from, and what they are called on. */
export interface ServicePlace {
  /** What the instances are registered as. */
  readonly module: string;
  /** The versioned URL of the service's module: that of hooks which name no module. */
  readonly url: string;
  /** Tells whether the instances have a method; null where each function has its handler. */
  readonly hasMethod: ((method: string) => boolean) | null;
  /** Tells whether the service's module exports a function under a name. */
  readonly hasExport: (name: string) => boolean;
}

/** The message that stands for a function on its instances. */
export function messageName(requestType: string, entry: FunctionEntry): string {
  if (entry.method !== undefined) return entry.method;
  const { version, handler } = entry;
  // The versions of an actor class's function are one method unless it names others.
  return handler === undefined || !version ? requestType : `${requestType}@${version}`;
}

/**
 * The registry's entries for a service; or everything that is wrong with its functions and options.
 */
export function parseServiceConfigs(
  definition: ServiceDefinition,
  place: ServicePlace,
): BatchOutcome {
  const faults = encodeOptionFaults(definition.options);
  const refused: RefusedConfig[] = [];
  const inputs: unknown[] = [];
  if (definition.functions.size === 0) faults.push("expected at least one function");
  for (const [requestType, entries] of definition.functions) {
    for (const entry of entries) {
      const at = `${definition.name}/${requestType}`;
      if (!isMap(entry)) {
        faults.push(`${at}: expected a function, received ${printReceived(entry)}`);
        continue;
      }
      const input = encodeInput(definition.name, requestType, entry, place);
      const found = encodeCodeFaults(requestType, entry, place);
      faults.push(...found.map((fault) => `${at}: ${fault}`));
      if (found.length > 0) refused.push({ input, faults: found });
      inputs.push(input);
    }
  }
  const batch = parseBatch(inputs);
  if (batch.ok && faults.length === 0) return batch;
  if (!batch.ok) {
    faults.push(...batch.faults);
    refused.push(...batch.refused);
  }
  return { ok: false, faults, refused };
}

function encodeCodeFaults(
  requestType: string,
  entry: FunctionEntry,
  { hasMethod, hasExport }: ServicePlace,
): string[] {
  const faults: string[] = [];
  const method = messageName(requestType, entry);
  const code = decideCodeFault(method, entry, hasMethod);
  if (code !== null) faults.push(code);
  if (hasMethod !== null && (entry.executor === "pool" || entry.cpu === true)) {
    faults.push("executor: a method of an actor class needs its instance, and cannot go to a pool");
  }
  for (const [field, { module, function: name }] of listTargets(entry)) {
    if (module !== undefined || typeof name !== "string" || hasExport(name)) continue;
    faults.push(`${field}: the module exports no function ${printReceived(name)}`);
  }
  return faults;
}

function decideCodeFault(
  method: string,
  { handler, responseType }: FunctionEntry,
  hasMethod: ((method: string) => boolean) | null,
): string | null {
  if (!isMessageName(method))
    return `the name ${printReceived(method)} belongs to the life of an actor`;
  if (hasMethod === null) {
    if (types.isGeneratorFunction(handler) && responseType !== "stream") {
      return 'handler: a generator brings a stream, which responseType: "stream" sends';
    }
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
  { module, url }: ServicePlace,
): unknown {
  const { handler: _handler, method: _method, args, ...rest } = entry;
  const mfa = { module, function: messageName(requestType, entry) };
  const options = resolveTargets({ ...rest }, { base: url, own: url });
  if (args === undefined) return { ...options, service, requestType, mfa };
  // Both at once is told as what it is: a field too many.
  if (rest.argTypes !== undefined) return { ...options, args, service, requestType, mfa };
  return { ...options, argTypes: args, service, requestType, mfa };
}
