import { TroupeError } from "../core/index.ts";
import { ActorRef } from "./ref.ts";

/**
 * A deep copy that is frozen throughout, as `strictMessages` wants it: a sender that changes what
 * it sent changes nothing for the receiver, and a receiver that changes what it got throws.
 * Refs keep their identity; binary data is copied but cannot be frozen.
 * @throws TroupeError `not_serialisable` for functions, symbols and promises, with their place.
 */
export function strictCopy(args: readonly unknown[], method: string): readonly unknown[] {
  return copy(args, `${method} argument`, new Map()) as readonly unknown[];
}

function copy(value: unknown, place: string, seen: Map<object, unknown>): unknown {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new TroupeError("not_serialisable", `${place}: a ${typeof value} cannot be sent`);
  }
  if (typeof value !== "object" || value === null || value instanceof ActorRef) return value;
  const done = seen.get(value);
  if (done !== undefined) return done;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    seen.set(value, list);
    for (const [index, item] of value.entries()) list.push(copy(item, `${place}[${index}]`, seen));
    return Object.freeze(list);
  }
  if (value instanceof Map) {
    const map = new Map();
    seen.set(value, map);
    for (const [key, item] of value) map.set(copy(key, place, seen), copy(item, place, seen));
    return map;
  }
  if (value instanceof Set) {
    const set = new Set();
    seen.set(value, set);
    for (const item of value) set.add(copy(item, place, seen));
    return set;
  }
  if (!isPlain(value)) return copyBuiltIn(value, place);
  const record: Record<string, unknown> = {};
  seen.set(value, record);
  for (const [key, item] of Object.entries(value)) {
    // Defined, not assigned: a key named __proto__ stays a key.
    Object.defineProperty(record, key, {
      value: copy(item, `${place}.${key}`, seen),
      enumerable: true,
    });
  }
  return Object.freeze(record);
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function copyBuiltIn(value: object, place: string): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    const name = value.constructor?.name ?? "object";
    throw new TroupeError("not_serialisable", `${place}: a ${name} cannot be sent`, error);
  }
}
