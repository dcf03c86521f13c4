import { inspect } from "node:util";
import { type Address, addressKey, formatPid, HERE } from "../core/index.ts";
import type { ActorClass, LifecycleName } from "./actor.ts";
import { actorClassInfo, type Method } from "./actor-class.ts";
import { type AskOptions, defaultAskTimeoutMs } from "./ask.ts";
import type { Envelope } from "./envelope.ts";

type AnyMethod = (...args: never[]) => unknown;

type MessageName<A> = Exclude<
  { [K in keyof A]: A[K] extends AnyMethod ? K : never }[keyof A],
  LifecycleName
>;

/** An actor's messages, sent without waiting: true when the message was taken or is on its way. */
export type Tell<A> = {
  readonly [K in MessageName<A>]: A[K] extends (...args: infer Args) => unknown
    ? (...args: Args) => boolean
    : never;
};

/** An actor's messages, each answered by a promise of what the method returns. */
export type Ask<A> = {
  readonly [K in MessageName<A>]: A[K] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** What a ref needs of the thread that it is used on. */
export interface Sender {
  readonly thread: number;
  readonly incarnation: number;
  send(target: ActorRef, method: Method, args: readonly unknown[]): boolean;
  request(
    target: ActorRef,
    method: Method,
    args: readonly unknown[],
    options: AskOptions,
  ): Promise<unknown>;
}

/** What a ref of an actor on this thread leads to. */
export interface LocalActor {
  post(envelope: Envelope): boolean;
}

const defaultOptions: AskOptions = { timeoutMs: defaultAskTimeoutMs };

/**
 * The address of an actor, wherever it lives. It can be sent in messages. It stays the address of
 * that one actor: after a restart the supervisor's new actor has a new one (names and groups follow).
 */
export class ActorRef<A = unknown> implements Address {
  readonly node: string;
  readonly thread: number;
  readonly id: number;
  readonly incarnation: number;
  readonly sender: Sender;
  /** The class as it is loaded here; null when only the address is known. */
  actorClass: ActorClass | null;
  /** The cell of an actor on this thread, for the sender alone. */
  local: LocalActor | null = null;
  #tell: Tell<A> | null = null;
  #ask: Ask<A> | null = null;

  constructor(sender: Sender, address: Address, actorClass: ActorClass | null) {
    this.sender = sender;
    this.node = address.node;
    this.thread = address.thread;
    this.id = address.id;
    this.incarnation = address.incarnation;
    this.actorClass = actorClass;
  }

  /**
   * `ref.tell.method(...args)` sends without waiting, at most once, in order. False when the
   * message was refused on the spot (no such actor, mailbox or link full): it is then a dead letter.
   */
  get tell(): Tell<A> {
    this.#tell ??= (
      this.actorClass
        ? new (stubsOf(this.actorClass).tell)(this as ActorRef)
        : openStub(this as ActorRef, null)
    ) as Tell<A>;
    return this.#tell;
  }

  /**
   * `await ref.ask.method(...args)` sends and waits for the answer, 5,000 ms at most.
   * @throws TroupeError `no_actor`, `actor_stopped`, `mailbox_full`, `link_full`, `unknown_method`,
   * `not_serialisable`, `unreachable`, `message_too_large`: the message was not taken, nothing has
   * happened; `ask_timeout`, `abandoned`, `actor_crashed`, `thread_down`, `node_down`: it may have been worked on; and whatever ReplyError the method
   * throws.
   */
  get ask(): Ask<A> {
    this.#ask ??= this.askWith(defaultOptions);
    return this.#ask;
  }

  /** As `ask`, with a time limit and an AbortSignal of its own. */
  askWith(options: AskOptions): Ask<A> {
    return (
      this.actorClass
        ? new (stubsOf(this.actorClass).ask)(this as ActorRef, options)
        : openStub(this as ActorRef, options)
    ) as Ask<A>;
  }

  /** The actor has got new code, with other messages perhaps. */
  rebind(actorClass: ActorClass): void {
    this.actorClass = actorClass;
    this.#tell = null;
    this.#ask = null;
  }

  /** Equal exactly for refs of the same actor. */
  get key(): string {
    return addressKey(this);
  }

  /** The same, for maps of one thread: of its own actors, who may be a million, it is the number. */
  get nearKey(): string | number {
    const { thread, incarnation } = this.sender;
    const isNear = this.thread === thread && this.incarnation === incarnation && this.node === HERE;
    return isNear ? this.id : this.key;
  }

  /** True when both are the address of the same actor. */
  equals(other: Address): boolean {
    return (
      this.id === other.id &&
      this.thread === other.thread &&
      this.incarnation === other.incarnation &&
      this.node === other.node
    );
  }

  toString(): string {
    return formatPid(this);
  }

  toJSON(): string {
    return formatPid(this);
  }
}

Object.defineProperty(ActorRef.prototype, inspect.custom, {
  value(this: ActorRef): string {
    return formatPid(this);
  },
});

type TellStubClass = new (ref: ActorRef) => TellStub;
type AskStubClass = new (ref: ActorRef, options: AskOptions) => AskStub;

const stubs = new WeakMap<object, { tell: TellStubClass; ask: AskStubClass }>();

/** Two small classes per actor class, one method per message: no Proxy where messages are many. */
function stubsOf(actorClass: ActorClass): { tell: TellStubClass; ask: AskStubClass } {
  let pair = stubs.get(actorClass);
  if (pair === undefined) {
    pair = { tell: class extends TellStub {}, ask: class extends AskStub {} };
    for (const [method, entry] of Object.entries(actorClassInfo(actorClass).methods)) {
      Object.defineProperty(pair.tell.prototype, method, {
        value(this: TellStub, ...args: unknown[]): boolean {
          return this.ref.sender.send(this.ref, entry, args);
        },
      });
      Object.defineProperty(pair.ask.prototype, method, {
        value(this: AskStub, ...args: unknown[]): Promise<unknown> {
          return this.ref.sender.request(this.ref, entry, args, this.options);
        },
      });
    }
    stubs.set(actorClass, pair);
  }
  return pair;
}

class TellStub {
  readonly ref: ActorRef;

  constructor(ref: ActorRef) {
    this.ref = ref;
  }
}

class AskStub {
  readonly ref: ActorRef;
  readonly options: AskOptions;

  constructor(ref: ActorRef, options: AskOptions) {
    this.ref = ref;
    this.options = options;
  }
}

/** Takes any method name, for an actor whose class is not loaded here. */
function openStub(ref: ActorRef, options: AskOptions | null): object {
  return new Proxy(Object.freeze({}), {
    get(_target, method) {
      if (typeof method !== "string" || method === "then") return undefined;
      return (...args: unknown[]) =>
        options === null
          ? ref.sender.send(ref, method, args)
          : ref.sender.request(ref, method, args, options);
    },
  });
}
