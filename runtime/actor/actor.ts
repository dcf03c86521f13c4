import type { ExitReason } from "../core/index.ts";
import type { ActorContext } from "./context.ts";
import type { ActorRef } from "./ref.ts";
import type { Signal } from "./signal.ts";

/** What `context` means to the actor that is being constructed right now. */
let constructing: ActorContext | null = null;

/** Runs `construct` so that the Actor constructed in it belongs to `context`. */
export function constructWith<T>(context: ActorContext, construct: () => T): T {
  const outer = constructing;
  constructing = context;
  try {
    return construct();
  } finally {
    constructing = outer;
  }
}

/**
 * An actor: state that only its own messages touch. Its public methods are its messages: they run
 * one at a time, a returned promise is awaited before the next one begins (unless it was spawned
 * with `concurrency`), and what they return answers an ask. Keep everything else `#private`.
 *
 * A method that throws crashes the actor: its asker is told `actor_crashed`, its supervisor starts
 * it anew. An expected failure is thrown as `ReplyError`, which answers the asker and harms nobody.
 *
 * ```ts
 * export class Counter extends Actor {
 *   static readonly source = import.meta.url;
 *   #count = 0;
 *   increment(by: number): void { this.#count += by; }
 *   value(): number { return this.#count; }
 * }
 * ```
 */
export abstract class Actor {
  /**
   * `import.meta.url` of the module that exports the class under its own name (or as default). It
   * lets the actor be spawned on other threads, where code is known by name only.
   */
  static readonly source?: string;

  /** The actor's hold on the system: spawn, watch, timers, names, groups, log. */
  protected readonly context: ActorContext;

  /** @throws TypeError when it is called with `new`: actors are spawned. */
  constructor() {
    if (constructing === null) {
      throw new TypeError(`${new.target.name}: an actor is spawned, not constructed with new`);
    }
    this.context = constructing;
    constructing = null;
  }

  /** This actor's own address. */
  protected get self(): ActorRef<this> {
    return this.context.self as ActorRef<this>;
  }

  /** Called once, before the first message. A throw or rejection means that it did not start. */
  protected init?(): void | Promise<void>;

  /** Hears of children, watched and linked actors that stopped; goes before waiting messages. */
  protected onSignal?(signal: Signal): void | Promise<void>;

  /** Called once at the end, after the children have stopped; not for a killed actor. */
  protected terminate?(reason: ExitReason): void | Promise<void>;

  /** Stops the children; by default the youngest first, one after the other. */
  protected stopChildren?(): Promise<void>;

  /**
   * Called on the new instance when a running actor gets new code: `old` is the instance that
   * served so far. Takes over what it needs; a throw keeps the old instance in service.
   */
  protected codeChange?(old: Actor): void | Promise<void>;
}

/** The names that are not messages. */
export type LifecycleName =
  | "init"
  | "onSignal"
  | "stopChildren"
  | "terminate"
  | "codeChange"
  | "context"
  | "self";

/** The constructor of an actor. */
export type ActorClass<A extends Actor = Actor> = (new (
  ...args: never[]
) => A) & {
  readonly source?: string;
};

/** The arguments that the constructor of an actor class takes. */
export type ActorArgs<C> = C extends new (...args: infer Args) => Actor ? Args : never;
