import type { Static, TSchema } from "typebox";
import type { ResourceLimits } from "#runtime";
import {
  type CheckPermission,
  type ChooseNodeMode,
  type FunConfig,
  type FunctionTarget,
  isModulePath,
  isName,
  printReceived,
  type Retry,
} from "../registry/index.ts";
import type { HandlerContext } from "./handler-context.ts";
import type { RequestInfo } from "./request-info.ts";

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

/** An exported function of a module. */
interface ModuleTarget {
  /**
   * A path, which if relative is taken from the folder of the service's module, or a `file:` URL.
   * Absent: the service's own module, as it was when the service was loaded.
   */
  readonly module?: string;
  /** The name under which the module exports it. */
  readonly function: string;
  /** Plain data, handed to it behind all others. */
  readonly args?: readonly unknown[];
}

/** What is registered of a function beside its code; all of it may be left out. */
export interface FunctionOptions {
  /** A semantic version; none: the unversioned function. */
  readonly version?: string | null;
  /** Clients who ask for it are refused; default false. */
  readonly disabled?: boolean;
  /** Milliseconds, 100 to 300,000, or `"infinity"`; default 5,000. */
  readonly timeout?: number | "infinity";
  /** Argument name → type, or type and constraints; the older way beside `args`. */
  readonly argTypes?: Readonly<Record<string, unknown>> | null;
  /** What the client gets; `stream` is for handlers that are async generators. Default `sync`. */
  readonly responseType?: FunConfig["responseType"];
  /** The nodes that may run it: default `"local"`, the node of the caller's gateway. */
  readonly nodes?: "local" | readonly string[] | ModuleTarget;
  /** How one of several replicas is chosen; default `random`. */
  readonly chooseNodeMode?: Exclude<ChooseNodeMode, FunctionTarget> | ModuleTarget;
  /** `pool`: on a thread of the pool, without the state of an instance. Default `actor`. */
  readonly executor?: FunConfig["executor"];
  /** It keeps its thread busy: runs on the pool. Default false. */
  readonly cpu?: boolean;
  /** Who may call it; default false: everybody. */
  readonly checkPermission?: CheckPermission;
  /** Decides instead, `(request, info, ...args)`: exactly true allows. */
  readonly permissionCallback?: ModuleTarget | null;
  /** `(request, config, ...args)`: may change or refuse a request before it is checked. */
  readonly beforeExecute?: ModuleTarget | null;
  /** `(request, config, response, ...args)`: may change the response. */
  readonly afterExecute?: ModuleTarget | null;
  /** The deadline of each hook and of the callback: 1 to 300,000 ms, default 5,000. */
  readonly hookTimeout?: number;
  /** Retries of a failed call, 0 to 10: a number is that on all nodes. Default null: none. */
  readonly retry?: Retry | number | null;
  /** A call whose outcome is unknown may be made again; default false. */
  readonly idempotent?: boolean;
  /** A {@link RequestInfo} comes as the last argument; default false. */
  readonly requestInfo?: boolean;
  /** Most calls at once on one node; default null: no limit. */
  readonly maxConcurrent?: number | null;
  /** Most calls that wait for one of those places; default 1,000. */
  readonly maxQueue?: number;
}

/** A function that takes its arguments as one object; its type follows from the schema `args`. */
export interface FunctionSpec<Schema> extends FunctionOptions {
  /** A TypeBox object schema for all the arguments. Without it and `argTypes` it takes none. */
  readonly args?: Schema;
  readonly argOrders?: "map";
  /** `requestInfo` comes only with the option of that name; it is not for others to declare. */
  handler(
    args: NoInfer<ArgumentsOf<Schema>>,
    context: HandlerContext,
    requestInfo: RequestInfo,
  ): unknown;
}

/**
 * A function that takes its arguments one by one, in the order of `argOrders`, then the context, and
 * with `requestInfo` that.
 */
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

/**
 * One function of {@link defineService} that {@link defineFunction} has typed; `Spec` is what it was
 * given.
 */
// biome-ignore lint/suspicious/noExplicitAny: where nothing is said of it, it may be anything
export class DefinedFunction<out Spec = any> {
  /** There is for types alone. */
  declare readonly spec?: Spec;
  readonly entry: FunctionEntry;

  constructor(entry: FunctionEntry) {
    this.entry = entry;
  }
}

/** A service as its module declares it; `Functions` is what it was given. */
// biome-ignore lint/suspicious/noExplicitAny: where nothing is said of it, it may be anything
export class ServiceDefinition<out Functions = any> {
  /** There is for types alone. */
  declare readonly given?: Functions;
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
export function defineService<
  Schemas extends Record<string, unknown>,
  Functions extends Record<string, unknown>,
>(
  name: string,
  functions: Functions & {
    [Name in keyof Schemas]:
      | PlainHandler
      | FunctionSpec<Schemas[Name]>
      | DefinedFunction
      | readonly DefinedFunction[];
  },
  options: ServiceOptions = {},
): ServiceDefinition<Functions> {
  return define("defineService", name, functions, options);
}

/** Types one function by itself, where {@link defineService} wants it. */
export function defineFunction<const Schema, Spec>(
  spec: Spec & (FunctionSpec<Schema> | PositionalSpec),
): DefinedFunction<Spec> {
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
  // A FunConfig tells the one from the other by its looks.
  if (isModulePath(name)) {
    const received = printReceived(name);
    throw new TypeError(`${where}: expected a name, not a path or URL, received ${received}`);
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
