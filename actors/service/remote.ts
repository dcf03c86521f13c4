import type { Actor } from "#runtime";
import { type CallOptions, parseCallOptions } from "../execution/index.ts";
import { currentCaller } from "./call-scope.ts";
import type { ArgumentsOf, DefinedFunction, ServiceDefinition } from "./define-service.ts";
import { ServiceError } from "./service-error.ts";

/**
 * A function of a service, wherever it runs. Arguments go by name, as a client's do; `options` go
 * before those of {@link remote}.
 */
export type RemoteFunction<Args, Result> =
  Record<never, never> extends Args
    ? (args?: Args, options?: CallOptions) => Promise<Result>
    : (args: Args, options?: CallOptions) => Promise<Result>;

/** The functions of a service, typed from what its module exports as default. */
export type RemoteService<Service> =
  IsAny<Service> extends true
    ? UntypedService
    : Service extends ServiceDefinition<infer Functions>
      ? IsAny<Functions> extends true
        ? UntypedService
        : { readonly [Name in keyof Functions]: RemoteOf<Functions[Name]> }
      : Service extends abstract new (
            ...args: never[]
          ) => infer Instance
        ? { readonly [Name in Methods<Instance>]: RemoteMethod<Instance[Name]> }
        : never;

type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** Of what declares no types, as a module whose export is annotated as a plain ServiceDefinition. */
// biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
type UntypedService = Readonly<Record<string, RemoteFunction<Record<string, any>, any>>>;

/** A stream is nothing that can be awaited: only clients open one. */
type Awaitable<Result> = Result extends AsyncIterable<unknown> ? never : Awaited<Result>;

type RemoteOf<Given> =
  Given extends DefinedFunction<infer Spec>
    ? RemoteOf<Spec>
    : Given extends readonly (infer One)[]
      ? RemoteOf<One>
      : Given extends { handler(...args: never[]): infer Result }
        ? RemoteFunction<ArgumentsIn<Given>, Awaitable<Result>>
        : Given extends (...args: never[]) => infer Result
          ? RemoteFunction<Record<string, unknown>, Awaitable<Result>>
          : // biome-ignore lint/suspicious/noExplicitAny: nothing is known of it
            RemoteFunction<Record<string, any>, any>;

type ArgumentsIn<Spec> = Spec extends { args: infer Schema }
  ? ArgumentsOf<Schema>
  : // biome-ignore lint/suspicious/noExplicitAny: argTypes are data, no type follows from them
    Record<string, any>;

type Methods<Instance> = {
  [Name in keyof Instance]: Instance[Name] extends (...args: never[]) => unknown ? Name : never;
}[Exclude<keyof Instance, keyof Actor>];

type RemoteMethod<Method> = Method extends (...args: infer Args) => infer Result
  ? RemoteFunction<
      Args[0] extends Record<string, unknown> | object ? Args[0] : Record<string, unknown>,
      Awaitable<Result>
    >
  : never;

type Call = (args?: Record<string, unknown>, options?: CallOptions) => Promise<unknown>;

/**
 * The functions of a service as an object, to be called from any code on any thread of any node. A
 * call out of a handler is made for the handler's client and within its deadline; any other is the
 * node's own, without a user. `options` hold for each call that does not say otherwise.
 *
 * ```ts
 * import type users from "./users.ts";
 * const users_ = remote<typeof users>("user_service", { timeoutMs: 2_000, retry: 2 });
 * const user = await users_.get_user({ user_id: "1" });
 * ```
 * A call rejects with a ServiceError that has the code and message that a client would get;
 * `unavailable` where no node runs in this process.
 * @throws TypeError for options that are none; it names the option.
 */
// biome-ignore lint/suspicious/noExplicitAny: without a type every function may be called
export function remote<Service = any>(
  service: string,
  options: CallOptions = {},
): RemoteService<Service> {
  if (typeof service !== "string" || service === "") {
    throw new TypeError(`remote: expected the name of a service, received ${String(service)}`);
  }
  parseCallOptions(options, `remote ${service}`);
  const functions = new Map<string, Call>();
  return new Proxy(Object.freeze({}), {
    get(_target, name): Call | undefined {
      // What is awaited or printed is asked for these; a service has no such functions.
      if (typeof name === "symbol" || name === "then") return undefined;
      let call = functions.get(name);
      if (call === undefined) {
        call = callOf(service, name, options);
        functions.set(name, call);
      }
      return call;
    },
  }) as RemoteService<Service>;
}

function callOf(service: string, requestType: string, options: CallOptions): Call {
  return async (args = {}, own) => {
    const caller = currentCaller();
    if (caller === null) {
      throw new ServiceError(
        "unavailable",
        `${service}.${requestType}: no node runs on this thread`,
      );
    }
    return caller.call(
      service,
      requestType,
      args,
      own === undefined ? options : { ...options, ...own },
    );
  };
}
