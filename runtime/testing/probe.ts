import { Actor, type ActorRef, type Signal, type Tell } from "../actor/index.ts";

/** The message of a probe that was given no protocol. */
export interface NoteTaker {
  note(value: unknown): void;
}

/** A message that a probe got: the method and its arguments, for each method of `A`. */
export type ProbeMessage<A> = {
  [K in keyof Tell<A>]: {
    readonly method: K;
    readonly args: Tell<A>[K] extends (...args: infer Args) => boolean ? Args : never;
  };
}[keyof Tell<A>];

/** What a probe got, in order, and ways to wait for more. */
export class ProbeRecord<A = NoteTaker> {
  readonly messages: ProbeMessage<A>[] = [];
  readonly signals: Signal[] = [];
  readonly #messageWaits = new Waits<ProbeMessage<A>>();
  readonly #signalWaits = new Waits<Signal>();
  #messagesTaken = 0;
  #signalsTaken = 0;

  /** Resolves with the `n`-th message, counted from 1, as soon as it has come. */
  message(n: number): Promise<ProbeMessage<A>> {
    return this.#messageWaits.nth(this.messages, n);
  }

  /** Resolves with the `n`-th signal, counted from 1, as soon as it has come. */
  signal(n: number): Promise<Signal> {
    return this.#signalWaits.nth(this.signals, n);
  }

  /**
   * Takes the oldest message that was not taken yet.
   * @throws Error that says what came so far when there is none.
   */
  expectMessage(): ProbeMessage<A> {
    const message = this.messages[this.#messagesTaken];
    if (message === undefined) throw this.#missing("message");
    this.#messagesTaken += 1;
    return message;
  }

  /** As `expectMessage`, for signals. */
  expectSignal(): Signal {
    const signal = this.signals[this.#signalsTaken];
    if (signal === undefined) throw this.#missing("signal");
    this.#signalsTaken += 1;
    return signal;
  }

  /** @throws Error that names them when there are messages or signals that were not taken. */
  expectNothing(): void {
    const messages = this.messages.slice(this.#messagesTaken);
    const signals = this.signals.slice(this.#signalsTaken);
    if (messages.length + signals.length === 0) return;
    const names = [...messages.map((it) => String(it.method)), ...signals.map((it) => it.type)];
    throw new Error(`expected no more messages and signals, received ${names.join(", ")}`);
  }

  /** Called by the probe. */
  addMessage(message: ProbeMessage<A>): void {
    this.messages.push(message);
    this.#messageWaits.came(this.messages);
  }

  /** Called by the probe. */
  addSignal(signal: Signal): void {
    this.signals.push(signal);
    this.#signalWaits.came(this.signals);
  }

  #missing(what: string): Error {
    const { messages, signals } = this;
    return new Error(
      `expected one more ${what}, received ${messages.length} messages ` +
        `(${messages.map((it) => String(it.method)).join(", ")}) and ${signals.length} signals ` +
        `(${signals.map((it) => it.type).join(", ")})`,
    );
  }
}

/**
 * An actor that remembers every message and signal that it gets, in the record that it was spawned
 * with. It watches and links for the test; these four are not recorded.
 */
export class Probe<A = NoteTaker> extends Actor {
  readonly #record: ProbeRecord<A>;

  constructor(record: ProbeRecord<A>) {
    super();
    this.#record = record;
  }

  watch(ref: ActorRef): void {
    this.context.watch(ref);
  }

  unwatch(ref: ActorRef): void {
    this.context.unwatch(ref);
  }

  link(ref: ActorRef): void {
    this.context.link(ref);
  }

  unlink(ref: ActorRef): void {
    this.context.unlink(ref);
  }

  protected override onSignal(signal: Signal): void {
    this.#record.addSignal(signal);
  }

  /** Puts a method of a protocol on the prototype of a probe class, as {@link probeClass} does. */
  static take(probeClass: typeof Probe, method: string): void {
    Object.defineProperty(probeClass.prototype, method, {
      value(this: Probe, ...args: unknown[]): void {
        this.#record.addMessage({ method, args } as unknown as ProbeMessage<NoteTaker>);
      },
    });
  }
}

/** The class of a probe that takes the methods named; each is recorded and answered `undefined`. */
export function probeClass(methods: readonly string[]): typeof Probe {
  const made = class extends Probe {};
  Object.defineProperty(made, "name", { value: "Probe" });
  for (const method of methods) Probe.take(made as typeof Probe, method);
  return made as typeof Probe;
}

/** Those who wait for the n-th of something. */
class Waits<T> {
  readonly #waiting: { readonly n: number; readonly resolve: (item: T) => void }[] = [];

  nth(list: readonly T[], n: number): Promise<T> {
    if (!(Number.isInteger(n) && n >= 1)) {
      throw new RangeError(`n: expected a whole number >= 1, received ${n}`);
    }
    const item = list[n - 1];
    if (item !== undefined) return Promise.resolve(item);
    return new Promise((resolve) => this.#waiting.push({ n, resolve }));
  }

  came(list: readonly T[]): void {
    for (let i = this.#waiting.length - 1; i >= 0; i -= 1) {
      const waiting = this.#waiting[i];
      if (waiting === undefined || waiting.n > list.length) continue;
      this.#waiting.splice(i, 1);
      waiting.resolve(list[waiting.n - 1] as T);
    }
  }
}
