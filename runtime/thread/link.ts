import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import {
  type ActorRef,
  type AnswerPort,
  AsksIn,
  AsksOut,
  type DeadLetterReason,
  Envelope,
  type Kernel,
  type LinkLoad,
  type PendingAsk,
  type SystemSignal,
  type TableMessage,
  type ThreadRoute,
  type Threads,
  threadsId,
} from "../actor/index.ts";
import { HERE, TroupeError, toErrorRecord } from "../core/index.ts";
import type { LinkEnd } from "./control.ts";
import { LinkCounters } from "./link-counters.ts";
import { describeEnvelope, selectSubstitute } from "./substitute.ts";
import {
  batchBytes,
  decodeBatch,
  type EncodedBatch,
  encodeBatch,
  kind,
  type WireEnvelope,
} from "./wire.ts";

/** Envelopes that are encoded together at most. */
const maxBatch = 256;
/** About how many bytes. */
const targetBatchBytes = 1024 * 1024;
/** An argument from this size on (characters, bytes) sends its batch off, to be counted at once. */
const largeSize = 64 * 1024;

/**
 * The way to one other thread, over a MessagePort. Envelopes of one turn leave together; they
 * arrive in order. What is under way is bounded: beyond it messages are refused, signals and table
 * changes pass.
 */
export class Link implements ThreadRoute, AnswerPort {
  readonly thread: number;
  readonly incarnation: number;
  readonly #kernel: Kernel;
  readonly #dedicated: boolean;
  readonly #port: MessagePort;
  readonly #counters: LinkCounters;
  readonly #asks: AsksOut;
  readonly #serving: AsksIn;
  #batch: WireEnvelope[] = [];
  #batchLimit = maxBatch;
  /** When the present batch came. */
  #receivedAt = 0;
  #closed = false;
  #greeted: () => void = () => {};
  /** Resolves when the other side has told its tables, or is gone. */
  readonly greeting: Promise<void> = new Promise((resolve) => {
    this.#greeted = resolve;
  });

  constructor(kernel: Kernel, end: LinkEnd) {
    const { port } = end;
    this.#kernel = kernel;
    this.thread = end.thread;
    this.incarnation = end.incarnation;
    this.#dedicated = end.dedicated;
    this.#port = port;
    this.#counters = new LinkCounters(end.memory, end.side);
    this.#asks = new AsksOut(kernel.asks, (askId) => this.#push([kind.cancel, askId]));
    this.#serving = new AsksIn(kernel, this);
    port.on("message", (encoded: EncodedBatch) => this.#receive(encoded));
    port.on("close", () => this.#greeted());
  }

  /** Opens the route; both sides tell their tables and then greet. */
  open(): void {
    this.#kernel.routes.add(this);
    this.#push([kind.hello]);
  }

  tell({ id }: ActorRef, method: string, args: readonly unknown[]): boolean {
    if (!this.#counters.hasRoom) return false;
    this.#counters.sent();
    this.#push([kind.tell, id, method, args]);
    if (args.some(isLarge)) this.#flush();
    return true;
  }

  ask({ id }: ActorRef, method: string, args: readonly unknown[], pending: PendingAsk): void {
    if (!this.#counters.hasRoom) {
      this.#refuse(id, method, "link_full");
      const message = `too much is on its way to thread ${this.thread}`;
      pending.reject(new TroupeError("link_full", message));
      return;
    }
    const askId = this.#asks.add(pending);
    this.#counters.sent();
    // It has begun just now: the clock need not be asked again.
    this.#push([kind.ask, id, method, args, askId, pending.timeoutMs]);
    if (args.some(isLarge)) this.#flush();
  }

  signal({ id }: ActorRef, signal: SystemSignal): void {
    this.#push([kind.signal, id, signal]);
    if (!this.#dedicated || (signal.type !== "stop" && signal.type !== "kill")) return;
    // Nobody watches over a dedicated thread's heart; one that is stuck would never hear of this.
    const { thread, incarnation } = this;
    const withinMs = signal.type === "kill" ? 0 : signal.shutdownMs;
    this.#kernel.runtimeActor<Threads>(threadsId).tell.expectEnd(thread, incarnation, withinMs);
  }

  table(message: TableMessage): void {
    this.#push([kind.table, message]);
  }

  answer(askId: number, value: unknown): void {
    this.#serving.delete(askId);
    this.#push([kind.answer, askId, value]);
    if (isLarge(value)) this.#flush();
  }

  fail(askId: number, error: TroupeError): void {
    this.#serving.delete(askId);
    this.#push([kind.failure, askId, toErrorRecord(error)]);
  }

  /**
   * The thread is gone: what it said before is heard first; then every ask under way fails at once,
   * and queued messages become dead letters.
   */
  close(message: string): void {
    if (this.#closed) return;
    for (;;) {
      const last = receiveMessageOnPort(this.#port);
      if (last === undefined) break;
      this.#receive(last.message);
    }
    this.#closed = true;
    this.#port.close();
    this.#asks.rejectAll(() => new TroupeError("thread_down", message));
    for (const envelope of this.#batch) {
      if (envelope[0] === kind.tell) this.#refuse(envelope[1], envelope[2], "thread_down");
    }
    this.#batch = [];
    this.#serving.cancelAll(`the asker's thread died: ${message}`);
  }

  /** How many asks wait for an answer from there, and from here. */
  get load(): LinkLoad {
    return { asking: this.#asks.size, serving: this.#serving.size };
  }

  #push(envelope: WireEnvelope): void {
    if (this.#closed) return;
    if (this.#batch.push(envelope) === 1) this.#kernel.flushLater(this.#flush);
    if (this.#batch.length >= this.#batchLimit) this.#flush();
  }

  readonly #flush = (): void => {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    let encoded: EncodedBatch;
    try {
      encoded = encodeBatch(batch);
    } catch {
      for (const envelope of batch) this.#postAlone(envelope);
      return;
    }
    this.#post(encoded);
    // What comes next is likely to be as large as what came before.
    const envelopeBytes = batchBytes(encoded) / batch.length;
    this.#batchLimit = Math.max(1, Math.min(maxBatch, targetBatchBytes / envelopeBytes));
  };

  #post(encoded: EncodedBatch): void {
    this.#counters.sentBytes(batchBytes(encoded));
    if (typeof encoded === "string") this.#port.postMessage(encoded);
    else this.#port.postMessage(encoded, [encoded.buffer]);
  }

  /** Sends one of a batch that could not be encoded together: itself, or what is said instead. */
  #postAlone(envelope: WireEnvelope): void {
    let encoded: EncodedBatch;
    try {
      encoded = encodeBatch([envelope]);
    } catch (cause) {
      const { message: why } = toErrorRecord(cause);
      const text = `${describeEnvelope(envelope)} cannot leave its thread: ${why}`;
      const error = new TroupeError("not_serialisable", text, cause);
      this.#kernel.log("error", error.message, { to: this.thread });
      if (envelope[0] === kind.tell || envelope[0] === kind.ask) {
        this.#counters.unsent();
        this.#refuse(envelope[1], envelope[2], "not_serialisable");
      }
      if (envelope[0] === kind.ask) this.#asks.reject(envelope[4], error);
      const substitute = selectSubstitute(envelope, error);
      if (substitute === null) return;
      encoded = encodeBatch([substitute]);
    }
    this.#post(encoded);
  }

  #refuse(id: number, method: string, reason: DeadLetterReason): void {
    this.#kernel.deadLetter(`<0.${this.thread}.${id}>`, method, reason);
  }

  #receive(encoded: EncodedBatch): void {
    if (this.#closed) return;
    let messages = 0;
    this.#receivedAt = this.#kernel.clock.now();
    for (const envelope of decodeBatch(encoded, this.#kernel)) {
      if (envelope[0] <= kind.ask) messages += 1;
      this.#take(envelope);
    }
    this.#counters.taken(messages, batchBytes(encoded));
  }

  #take(envelope: WireEnvelope): void {
    switch (envelope[0]) {
      case kind.tell:
        this.#deliver(envelope[1], new Envelope(envelope[2], envelope[3], null));
        break;
      case kind.ask: {
        const [, id, method, args, askId, remainingMs] = envelope;
        const reply = this.#serving.add(askId, this.#receivedAt + remainingMs);
        this.#deliver(id, new Envelope(method, args, reply));
        break;
      }
      case kind.answer:
        this.#asks.resolve(envelope[1], envelope[2]);
        break;
      case kind.failure:
        this.#asks.fail(envelope[1], envelope[2]);
        break;
      case kind.cancel:
        this.#serving.cancel(envelope[1]);
        break;
      case kind.signal: {
        const { thread, incarnation } = this.#kernel;
        const target = this.#kernel.ref({ node: HERE, thread, id: envelope[1], incarnation });
        this.#kernel.signal(target, envelope[2]);
        break;
      }
      case kind.table:
        this.#kernel.tables.receive(envelope[1]);
        break;
      case kind.hello:
        this.#greeted();
    }
  }

  #deliver(id: number, envelope: Envelope): void {
    const cell = this.#kernel.find(id);
    if (cell !== undefined) cell.post(envelope);
    else this.#kernel.refuseUnknown(id, envelope);
  }
}

/** Whether a value is large, as far as can be told without looking into it. */
function isLarge(value: unknown): boolean {
  if (typeof value === "string") return value.length >= largeSize;
  return ArrayBuffer.isView(value) && value.byteLength >= largeSize;
}
