import type { Static, TSchema } from "typebox";
import type { ResourceLimits } from "#runtime";
import { isName, printReceived } from "../registry/index.ts";
import type { HandlerContext } from "./handler-context.ts";

/** How the instances of a service live. */
export interface ServiceOptions {
  /** How many there are, or one on each scheduler thread; default 1. State is each one's own. */
  readonly instances?: number | "per-thread";
  /** Calls that one instance works on at once; default 1,000, for an actor class 1. */
  readonly concurrency?: number;
  /** Calls that may wait for an instance; default 10,000. */
  readonly mailboxCapacity?: number;
  /** `"dedicated"` gives each instance a thread of its own, for work that blocks. */
  readonly thread?: "dedicated";
  /** Limits of a dedicated thread. */
  readonly resourceLimits?: ResourceLimits;
}

/** What is registered of a function beside its code; see FunConfig for the defaults. */
export interface FunctionOptions {
  /** A semantic version; none: the unversioned function. */
  readonly version?: string | null;
  readonly disabled?: boolean;
  /** Milliseconds, 100 to 300,000, or `"infinity"`; default 5,000. */
  readonly timeout?: number | "infinity";
  /** Argument name → type, or type and constraints; the older way beside `args`. */
  readonly argTypes?: Readonly<Record<string, unknown>> | null;
}

/** A function that takes its arguments as one object; its type follows from the schema `args`. */
export interface FunctionSpec<Schema> extends FunctionOptions {
  /** A TypeBox object schema for all the arguments. Without it and `argTypes` it takes none. */
  readonly args?: Schema;
  readonly argOrders?: "map";
  handler(args: NoInfer<ArgumentsOf<Schema>>, context: HandlerContext): unknown;
}

/** A function that takes its arguments one by one, in the order of `argOrders`, then the context. */
export interface PositionalSpec extends FunctionOptions {
  readonly args?: never;
  readonly argTypes: Readonly<Record<string, unknown>>;
  readonly argOrders: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: argTypes are data, no type follows from them
  handler(...args: any[]): unknown;
}

/** What a handler gets for its schema. */
export type ArgumentsOf<Schema> = Schema extends TSchema
  ? Static<Schema>
  : // biome-ignore lint/suspicious/noExplicitAny: argTypes are data, no type follows from them
    Record<string, any>;

/** A function without arguments and options. */
export type PlainHandler = (args: Record<string, unknown>, context: HandlerContext) => unknown;

/** One function as the service holds it. */
export interface FunctionEntry extends FunctionOptions {
  readonly args?: unknown;
  readonly argOrders?: "map" | readonly string[];
  /** Absent for an actor class, whose method it is. */
  readonly handler?: (...args: never[]) => unknown;
  /** The method of an actor class; default: the request type. */
  readonly method?: string;
}

/** One function of {@link defineService} that {@link defineFunction} has typed. */
export class DefinedFunction {
  readonly entry: FunctionEntry;

  constructor(entry: FunctionEntry) {
    this.entry = entry;
  }
}

/** A service as its module declares it. */
export class ServiceDefinition {
  readonly name: string;
  /** Request type → its versions. */
  readonly functions: ReadonlyMap<string, readonly FunctionEntry[]>;
  readonly options: ServiceOptions;

  constructor(
    name: string,
    functions: ReadonlyMap<string, readonly FunctionEntry[]>,
    options: ServiceOptions,
  ) {
    this.name = name;
    this.functions = functions;
    this.options = options;
  }
}

/**
 * Declares a service made of functions; the default export of its module. Handlers get the
 * arguments and a {@link HandlerContext}. A function that throws a ServiceError answers with it;
 * whatever else it throws is logged and answered as internal error. Neither harms the instance.
 *
 * ```ts
 * export default defineService("greeter", {
 *   greet: {
 *     args: Type.Object({ name: Type.String() }),
 *     handler: ({ name }) => `Hello ${name}`,
 *   },
 * });
 * ```
 * Several versions of a function are a list, and positional arguments an entry, of
 * {@link defineFunction}s. What is wrong with the functions is told when the module is loaded.
 * @throws TypeError for a name or functions that are none.
 */
export function defineService<Schemas extends Record<string, unknown>>(
  name: string,
  functions: {
    [Name in keyof Schemas]:
      | PlainHandler
      | FunctionSpec<Schemas[Name]>
      | DefinedFunction
      | readonly DefinedFunction[];
  },
  options: ServiceOptions = {},
): ServiceDefinition {
  return define("defineService", name, functions, options);
}

/** Types one function by itself, where {@link defineService} wants it. */
export function defineFunction<const Schema>(
  spec: FunctionSpec<Schema> | PositionalSpec,
): DefinedFunction {
  return new DefinedFunction(spec as FunctionEntry);
}

/** One function of an actor class. */
export interface MethodSpec extends FunctionOptions {
  readonly args?: TSchema;
  readonly argOrders?: "map" | readonly string[];
  /** The method, where it is not called as the function. */
  readonly method?: string;
}

/**
 * Declares an actor class as a service, in its `static readonly service`; the class is the default
 * export of its module and is constructed without arguments. The methods named here are functions:
 * they get the arguments and, last, the {@link CallInfo}. State is kept across calls; a throw other
 * than a ServiceError crashes the instance, and its supervisor starts it anew.
 *
 * ```ts
 * export default class Counter extends Actor {
 *   static readonly service = serviceOf("counter", { add: { args: Type.Object({ by: Type.Number() }) } });
 *   #count = 0;
 *   add({ by }: { by: number }): number { return (this.#count += by); }
 * }
 * ```
 * @throws TypeError for a name or functions that are none.
 */
export function serviceOf(
  name: string,
  functions: Readonly<Record<string, MethodSpec | readonly MethodSpec[]>>,
  options: ServiceOptions = {},
): ServiceDefinition {
  return define("serviceOf", name, functions, { concurrency: 1, ...options });
}

function define(
  where: string,
  name: unknown,
  functions: unknown,
  options: ServiceOptions,
): ServiceDefinition {
  if (!isName(name)) {
    throw new TypeError(`${where}: expected a name, received ${printReceived(name)}`);
  }
  if (typeof functions !== "object" || functions === null || Array.isArray(functions)) {
    const received = printReceived(functions);
    throw new TypeError(`${where}: expected a map of functions, received ${received}`);
  }
  const entries = new Map<string, readonly FunctionEntry[]>();
  for (const [requestType, given] of Object.entries(functions)) {
    entries.set(requestType, (Array.isArray(given) ? given : [given]).map(toEntry));
  }
  return new ServiceDefinition(name, entries, options);
}

function toEntry(given: unknown): FunctionEntry {
  if (given instanceof DefinedFunction) return given.entry;
  if (typeof given === "function") return { handler: given as () => unknown };
  return given as FunctionEntry;
}
