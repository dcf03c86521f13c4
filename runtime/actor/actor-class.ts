import { labelNumber } from "./activity.ts";
import { Actor, type ActorClass } from "./actor.ts";

/** A public method as the cell calls it. */
export interface MethodEntry {
  readonly name: string;
  readonly call: (...args: unknown[]) => unknown;
  /** The number of the label `Class.method`, for the watchdog. */
  readonly label: number;
  /** The class whose method it is; a subclass has entries of its own. */
  readonly owner: ActorClassInfo;
}

/** A method as a sender means it: as its stub found it, or by name alone. */
export type Method = MethodEntry | string;

export function methodName(method: Method): string {
  return typeof method === "string" ? method : method.name;
}

/** What the runtime knows of an actor class; made once per class. */
export interface ActorClassInfo {
  readonly name: string;
  /** The number of the label `Class.signal`. */
  readonly signalLabel: number;
  /** The messages, by name; has no prototype, so that no inherited name is a message. */
  readonly methods: Readonly<Record<string, MethodEntry>>;
}

const notMessages = new Set([
  "constructor",
  "init",
  "onSignal",
  "stopChildren",
  "terminate",
  "codeChange",
  "context",
  "self",
  "then",
]);

/** Whether a public method of that name is a message: what an actor's life is made of is none. */
export function isMessageName(name: string): boolean {
  return !notMessages.has(name);
}

const known = new WeakMap<object, ActorClassInfo>();

/** The messages of a class: the public methods along its prototype chain up to {@link Actor}. */
export function actorClassInfo(actorClass: ActorClass): ActorClassInfo {
  let info = known.get(actorClass);
  if (info === undefined) {
    info = readClass(actorClass);
    known.set(actorClass, info);
  }
  return info;
}

/** Calls a method. `apply` would walk the array; most messages have no more than two arguments. */
export function callMethod(
  { call }: MethodEntry,
  self: unknown,
  args: readonly unknown[],
): unknown {
  if (args.length === 1) return call.call(self, args[0]);
  if (args.length === 0) return call.call(self);
  if (args.length === 2) return call.call(self, args[0], args[1]);
  return call.apply(self, args as unknown[]);
}

/**
 * Tells that `value` is an actor class.
 * @throws TypeError that names what came instead.
 */
export function assertActorClass(value: unknown, where: string): asserts value is ActorClass {
  if (typeof value === "function" && value.prototype instanceof Actor) return;
  const received = typeof value === "function" ? `function ${value.name}` : typeof value;
  throw new TypeError(`${where}: expected a class that extends Actor, received ${received}`);
}

function readClass(actorClass: ActorClass): ActorClassInfo {
  assertActorClass(actorClass, "actor class");
  const methods: Record<string, MethodEntry> = Object.create(null);
  const name = actorClass.name || "Actor";
  const info: ActorClassInfo = { name, methods, signalLabel: labelNumber(`${name}.signal`) };
  let prototype: object = actorClass.prototype;
  while (prototype !== Actor.prototype) {
    for (const [method, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof property.value !== "function" || !isMessageName(method)) continue;
      const label = labelNumber(`${name}.${method}`);
      methods[method] ??= { name: method, call: property.value, label, owner: info };
    }
    prototype = Object.getPrototypeOf(prototype);
  }
  return info;
}
