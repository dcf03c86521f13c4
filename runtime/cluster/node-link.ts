import {
  type ActorRef,
  AsksOut,
  type DeadLetterReason,
  type Kernel,
  type LinkLoad,
  type PendingAsk,
  type Route,
  type Spawns,
  type SystemSignal,
} from "../actor/index.ts";
import { formatPid, HERE, TroupeError, toErrorRecord } from "../core/index.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import type { Session } from "./greeting.ts";
import { NodeChannel } from "./node-channel.ts";
import { type NodeEnvelope, nodeKind } from "./node-envelope.ts";
import type { NodeIdentity } from "./node-identity.ts";
import type { Connection } from "./transport.ts";

/** Messages and signals that wait for a connection to be made. */
const maxWaiting = 10_000;

/** What the owner of a link hears. */
export interface LinkListener {
  /** It is connected; said once at most. */
  up(peer: NodeIdentity): void;
  /** It was connected and is no more; `orderly`: the other node said goodbye. */
  down(reason: string, orderly: boolean): void;
  /** No connection came about. */
  failed(reason: string): void;
}

/**
 * The way from one thread to the actors of another node: one connection, for what this thread's
 * actors send there and for what comes back to that. It is used up when the connection is lost: then
 * every ask under way has failed, and whatever was bound to an actor there has been told.
 */
export class NodeLink implements Route {
  readonly node: string;
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  readonly #listener: LinkListener;
  readonly #asks: AsksOut;
  /** What was sent before there was a connection. */
  #waiting: NodeEnvelope[] = [];
  #channel: NodeChannel | null = null;
  #isOver = false;
  #spawner: ActorRef<Spawns> | null = null;
  #onSpawner: (() => void)[] = [];

  /** Sends what waits as soon as both sides have shown who they are. */
  constructor(
    kernel: Kernel,
    node: string,
    connection: Connection,
    session: Promise<Session>,
    config: ClusterConfig,
    listener: LinkListener,
  ) {
    this.#kernel = kernel;
    this.node = node;
    this.#connection = connection;
    this.#listener = listener;
    this.#asks = new AsksOut(kernel.asks, (askId) => this.#send([nodeKind.cancel, askId]));
    session.then(
      (made) => this.#opened(made, config),
      (error) => this.#end(toErrorRecord(error).message, "unreachable"),
    );
  }

  /** False once it is of no use any more. */
  get isOpen(): boolean {
    return !this.#isOver;
  }

  /** Whether both sides have shown who they are. */
  get isUp(): boolean {
    return this.#channel !== null && !this.#isOver;
  }

  /** How many asks wait for an answer from there. */
  get load(): LinkLoad {
    return { asking: this.#asks.size, serving: 0 };
  }

  /** Bytes that wait to be sent. */
  get bufferedBytes(): number {
    return this.#channel?.bufferedBytes ?? 0;
  }

  tell(target: ActorRef, method: string, args: readonly unknown[]): boolean {
    if (!this.#hasRoom) return false;
    this.#send([nodeKind.tell, target.thread, target.incarnation, target.id, method, args]);
    return true;
  }

  ask(target: ActorRef, method: string, args: readonly unknown[], pending: PendingAsk): void {
    const { thread, incarnation, id } = target;
    if (!this.#hasRoom) {
      this.#deadLetter(target, method, "link_full");
      pending.reject(new TroupeError("link_full", `too much is on its way to ${this.node}`));
      return;
    }
    const askId = this.#asks.add(pending);
    // It has begun just now: the clock need not be asked again. Whole numbers are shorter.
    const remainingMs = Math.ceil(pending.timeoutMs);
    this.#send([nodeKind.ask, thread, incarnation, id, method, args, askId, remainingMs]);
  }

  signal({ thread, incarnation, id }: ActorRef, signal: SystemSignal): void {
    this.#send([nodeKind.signal, thread, incarnation, id, signal]);
  }

  /** Who starts actors there for this thread. @throws TroupeError `unreachable`. */
  spawner(timeoutMs: number): Promise<ActorRef<Spawns>> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        timer.cancel();
        if (this.#spawner !== null) resolve(this.#spawner);
        else reject(new TroupeError("unreachable", `${this.node} is not connected`));
      };
      const timer = this.#kernel.clock.after(timeoutMs, settle);
      if (this.#spawner !== null || this.#isOver) settle();
      else this.#onSpawner.push(settle);
    });
  }

  /** Says goodbye, after what was sent. */
  close(reason: string): void {
    if (this.#channel === null) this.#connection.destroy();
    else this.#channel.close(reason);
    this.#end(reason, "node_down");
  }

  #opened({ peer, rest }: Session, config: ClusterConfig): void {
    if (this.#isOver) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    const channel = new NodeChannel(this.#kernel, this.#connection, rest, config, {
      envelope: (envelope) => this.#take(envelope),
      closed: (reason, isOrderly) => this.#end(reason, "node_down", isOrderly),
      unsent: (envelope, error) => this.#unsent(envelope, error),
    });
    this.#channel = channel;
    for (const envelope of waiting) channel.send(envelope);
    this.#listener.up(peer);
  }

  get #hasRoom(): boolean {
    if (this.#isOver) return false;
    return this.#channel?.hasRoom ?? this.#waiting.length < maxWaiting;
  }

  #send(envelope: NodeEnvelope): void {
    if (this.#channel !== null) this.#channel.send(envelope);
    else if (!this.#isOver) this.#waiting.push(envelope);
  }

  #take(envelope: NodeEnvelope): void {
    switch (envelope[0]) {
      case nodeKind.answer:
        this.#asks.resolve(envelope[1], envelope[2]);
        break;
      case nodeKind.failure:
        this.#asks.fail(envelope[1], envelope[2]);
        break;
      case nodeKind.signal: {
        const [, thread, incarnation, id, signal] = envelope;
        const target = this.#kernel.ref({ node: HERE, thread, id, incarnation });
        this.#kernel.signal(target, signal);
        break;
      }
      case nodeKind.hello:
        this.#spawner = envelope[1] as ActorRef<Spawns>;
        this.#tellSpawner();
        break;
      default:
        // The other side asks nothing over a connection that it has not opened.
        this.#channel?.drop("it sent what only the side that connects may send");
    }
  }

  /** What could not be encoded, or was still here when the connection was lost. */
  #unsent(envelope: NodeEnvelope, error: TroupeError): void {
    if (envelope[0] !== nodeKind.tell && envelope[0] !== nodeKind.ask) return;
    const [, thread, incarnation, id, method] = envelope;
    const target = this.#kernel.ref({ node: this.node, thread, id, incarnation });
    this.#deadLetter(target, method, error.code as DeadLetterReason);
    if (envelope[0] === nodeKind.ask) this.#asks.reject(envelope[6], error);
  }

  #end(reason: string, code: "unreachable" | "node_down", isOrderly = false): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const wasUp = this.#channel !== null;
    const message = `${this.node}: ${reason}`;
    for (const envelope of this.#waiting) {
      this.#unsent(envelope, new TroupeError("unreachable", `${message}; it was not sent`));
    }
    this.#waiting = [];
    this.#asks.rejectAll(() => new TroupeError(code, message));
    this.#tellSpawner();
    this.#kernel.routes.nodeDown(this.node, message);
    if (wasUp) this.#listener.down(reason, isOrderly);
    else this.#listener.failed(reason);
  }

  #tellSpawner(): void {
    const waiting = this.#onSpawner;
    this.#onSpawner = [];
    for (const settle of waiting) settle();
  }

  #deadLetter(target: ActorRef, method: string, reason: DeadLetterReason): void {
    this.#kernel.deadLetter(formatPid(target), method, reason);
  }
}
