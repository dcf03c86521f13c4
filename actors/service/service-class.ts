import {
  Actor,
  type ActorClass,
  type ActorContext,
  type ActorRef,
  type Clock,
  type CurrentMessage,
  handlerScope,
} from "#runtime";
import { clusterGroup, serviceGroup } from "../execution/index.ts";
import type { CallInfo, StreamOpening } from "../request/index.ts";
import { OutgoingStreams } from "../streams/index.ts";
import type { CallScope, FunctionCaller } from "./call-scope.ts";
import { type FunctionEntry, ServiceDefinition } from "./define-service.ts";
import { messageName } from "./fun-configs.ts";
import { HandlerCalls } from "./handler-calls.ts";
import { HandlerContext, handlerContext, rememberStream } from "./handler-context.ts";
import { encodeRequestInfo } from "./request-info.ts";
import { openStream, withoutOpening } from "./stream-opening.ts";

/** What a service module exports as its default, or what is wrong with it. */
export type ServiceExport =
  | {
      readonly ok: true;
      readonly definition: ServiceDefinition;
      readonly actorClass: ActorClass | null;
    }
  | { readonly ok: false; readonly reason: string };

type Method = (this: Actor, ...args: unknown[]) => unknown;

/** Reads the default export of a service module. */
export function parseServiceExport(exported: unknown): ServiceExport {
  if (exported instanceof ServiceDefinition) {
    return { ok: true, definition: exported, actorClass: null };
  }
  if (typeof exported === "function" && exported.prototype instanceof Actor) {
    const actorClass = exported as ActorClass & { readonly service?: unknown };
    if (actorClass.service instanceof ServiceDefinition) {
      return { ok: true, definition: actorClass.service, actorClass };
    }
    const reason = `the class ${actorClass.name} has no \`static readonly service = serviceOf(...)\``;
    return { ok: false, reason };
  }
  const reason =
    exported === undefined
      ? "it has no default export"
      : `its default export is neither defineService(...) nor an actor class: ${typeof exported}`;
  return { ok: false, reason };
}

/** Whether an actor class has a public method of its own under that name. */
export function hasPublicMethod(actorClass: ActorClass, method: string): boolean {
  let prototype: object | null = actorClass.prototype;
  while (prototype !== null && prototype !== Actor.prototype) {
    const property = Object.getOwnPropertyDescriptor(prototype, method);
    if (property !== undefined) return typeof property.value === "function";
    prototype = Object.getPrototypeOf(prototype);
  }
  return false;
}

/**
 * The class of the instances of a service: its functions are messages, and each instance joins the
 * group of `module`, and that of the service on all nodes, when its `init` is done. It bears the service's name, so that logs and the
 * watchdog speak of `user_service.get_user`.
 */
export function serviceClassOf(
  definition: ServiceDefinition,
  actorClass: ActorClass | null,
  module: string,
): ActorClass {
  const Instance = serving(actorClass ?? recordClassOf(definition), module);
  if (actorClass !== null) {
    for (const [method, entry] of listMessages(definition)) {
      scope(Instance, method, `${definition.name}.${method}`, entry.requestInfo === true);
    }
  }
  Object.defineProperty(Instance, "name", { value: definition.name });
  return Instance;
}

/** The messages that are functions, each with the first entry that it stands for. */
function listMessages(definition: ServiceDefinition): Map<string, FunctionEntry> {
  const messages = new Map<string, FunctionEntry>();
  for (const [requestType, entries] of definition.functions) {
    for (const entry of entries) {
      const name = messageName(requestType, entry);
      if (!messages.has(name)) messages.set(name, entry);
    }
  }
  return messages;
}

/** Time to stop where nobody says: instances are told theirs by whoever starts them. */
const defaultDrainMs = 15_000;

/**
 * Joins only when `init` is done: until then nobody sends it calls. One that is stopped leaves first,
 * so that nobody sends it any more, ends the calls in progress, and lets its streams come to their
 * ends for as long as it may take.
 */
function serving(base: ActorClass, module: string): ActorClass {
  const Base = base as new () => Actor;
  const group = serviceGroup(module);
  return class extends Base {
    readonly #drainMs: number;

    constructor(drainMs = defaultDrainMs) {
      super();
      this.#drainMs = drainMs;
    }

    protected override async init(): Promise<void> {
      await super.init?.();
      this.context.groups.join(group);
      this.context.groups.join(clusterGroup(module));
    }

    protected override async stopChildren(): Promise<void> {
      // Whoever is stopped has left its groups by now. One that crashed has not: a new one waits.
      const isStopped = !this.context.groups
        .localMembers(group)
        .some((one) => one.equals(this.self));
      if (isStopped) await OutgoingStreams.of(this.context)?.drain(this.#drainMs);
      await super.stopChildren?.();
    }
  };
}

/** Lets what a method starts know its actor and request, through every `await`. */
function scope(actorClass: ActorClass, method: string, label: string, requestInfo: boolean): void {
  const inner = Reflect.get(actorClass.prototype, method) as Method;
  define(actorClass, method, function (this: Actor, ...args: unknown[]): unknown {
    const info = args.at(-1) as CallInfo | null | undefined;
    const { id } = Reflect.get(this, "self") as ActorRef;
    const requestId = typeof info?.requestId === "string" ? info.requestId : "";
    const context = Reflect.get(this, "context") as ActorContext;
    const { clock, message } = context;
    const leftMs = message?.remainingMs ?? Number.POSITIVE_INFINITY;
    const scope = new MethodScope(id, requestId, context, info);
    const result = handlerScope.run(scope, () => {
      if (info?.stream !== undefined)
        return openMethod(this, inner, label, requestInfo, args, scope);
      if (requestInfo && requestId !== "") args.push(encodeRequestInfo(info as CallInfo, null));
      return inner.apply(this, args);
    });
    if (!(result instanceof Promise) || leftMs === Number.POSITIVE_INFINITY) return result;
    return endOverdue(result, clock, leftMs, `${actorClass.name}.${method}`);
  });
}

/** The scope of a method: it has a hold on its request when something asks for one. */
class MethodScope implements CallScope {
  readonly actorId: number;
  readonly requestId: string;
  readonly #context: ActorContext;
  readonly #info: CallInfo | null | undefined;
  readonly #message: CurrentMessage | null;
  #caller: FunctionCaller | null = null;

  constructor(
    actorId: number,
    requestId: string,
    context: ActorContext,
    info: CallInfo | null | undefined,
  ) {
    this.actorId = actorId;
    this.requestId = requestId;
    this.#context = context;
    this.#info = info;
    this.#message = context.message;
  }

  get caller(): FunctionCaller | null {
    // A message of another actor is no request.
    if (this.#caller !== null || this.#info == null || this.requestId === "") return this.#caller;
    this.#caller = new HandlerContext(this.#context, this.#info, this.#message);
    return this.#caller;
  }

  set caller(caller: FunctionCaller | null) {
    this.#caller = caller;
  }
}

/** Opens the stream that a method produces: what it yields is sent outside of the actor's turns. */
function openMethod(
  actor: Actor,
  method: Method,
  label: string,
  hasHandle: boolean,
  args: unknown[],
  scope: CallScope,
): Promise<void> {
  const context = Reflect.get(actor, "context") as ActorContext;
  const info = args.pop() as CallInfo;
  const streams = OutgoingStreams.of(context) ?? new OutgoingStreams(context);
  return openStream(streams, {
    opening: info.stream as StreamOpening,
    label: { function: label, requestId: info.requestId },
    message: context.message,
    hasHandle,
    start(stream) {
      const shown = withoutOpening(info);
      rememberStream(shown, stream);
      scope.caller = handlerContext(context, shown);
      args.push(shown);
      if (hasHandle) args.push(encodeRequestInfo(info, stream));
      return method.apply(actor, args);
    },
  });
}

/** Time that a method has, beyond its deadline, to obey its signal. */
const overdueMs = 1_000;

/**
 * What a method works on that takes one message at a time keeps all others waiting. One that does
 * not settle after its deadline crashes its instance: a new one serves the next.
 */
function endOverdue(
  result: Promise<unknown>,
  clock: Clock,
  leftMs: number,
  label: string,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(leftMs + overdueMs, () => {
      reject(new Error(`${label} had not ended ${overdueMs} ms after its deadline`));
    });
    result.then(resolve, reject).finally(() => timer.cancel());
  });
}

function recordClassOf(definition: ServiceDefinition): ActorClass {
  class RecordService extends Actor {
    readonly calls: HandlerCalls = new HandlerCalls(this.context, definition.name);
  }
  for (const [requestType, entries] of definition.functions) {
    for (const entry of entries) {
      const { handler, requestInfo = false } = entry;
      if (handler === undefined) continue;
      define(
        RecordService,
        messageName(requestType, entry),
        function (...args: unknown[]): unknown {
          return (this as RecordService).calls.run(requestType, handler, requestInfo, args);
        },
      );
    }
  }
  return RecordService;
}

function define(actorClass: ActorClass, name: string, value: Method): void {
  Object.defineProperty(actorClass.prototype, name, { value, configurable: true });
}
