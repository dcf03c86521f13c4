import type { MessagePort } from "node:worker_threads";
import {
  type DeadLetterReason,
  Envelope,
  type Kernel,
  type PendingAsk,
  type Reply,
  type Route,
  type SystemSignal,
  type TableMessage,
} from "../actor/index.ts";
import { fromErrorRecord, TroupeError, toErrorRecord } from "../core/index.ts";
import type { LinkCounters } from "./link-counters.ts";
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

/**
 * The way to one other thread, over a MessagePort. Envelopes of one turn leave together; they
 * arrive in order. What is under way is bounded: beyond it messages are refused, signals and table
 * changes pass.
 */
export class Link implements Route {
  readonly thread: number;
  readonly incarnation: number;
  readonly #kernel: Kernel;
  readonly #port: MessagePort;
  readonly #counters: LinkCounters;
  /** The asks that went out, by the number under which they will be answered. */
  readonly #asks = new Map<number, PendingAsk>();
  /** The asks that came in and are being worked on. */
  readonly #serving = new Map<number, RemoteReply>();
  #batch: WireEnvelope[] = [];
  #lastAskId = 0;
  #closed = false;
  #greeted: () => void = () => {};
  /** Resolves when the other side has told its tables, or is gone. */
  readonly greeting: Promise<void> = new Promise((resolve) => {
    this.#greeted = resolve;
  });

  constructor(
    kernel: Kernel,
    thread: number,
    incarnation: number,
    port: MessagePort,
    counters: LinkCounters,
  ) {
    this.#kernel = kernel;
    this.thread = thread;
    this.incarnation = incarnation;
    this.#port = port;
    this.#counters = counters;
    port.on("message", (encoded: EncodedBatch) => this.#receive(encoded));
    port.on("close", () => this.#greeted());
  }

  /** Opens the route; both sides tell their tables and then greet. */
  open(): void {
    this.#kernel.addRoute(this);
    this.#push([kind.hello]);
  }

  tell(id: number, method: string, args: readonly unknown[]): boolean {
    if (!this.#counters.hasRoom) return false;
    this.#counters.sent();
    this.#push([kind.tell, id, method, args]);
    return true;
  }

  ask(id: number, method: string, args: readonly unknown[], pending: PendingAsk): void {
    if (!this.#counters.hasRoom) {
      this.#refuse(id, method, "link_full");
      const message = `too much is on its way to thread ${this.thread}`;
      pending.reject(new TroupeError("link_full", message));
      return;
    }
    this.#lastAskId += 1;
    const askId = this.#lastAskId;
    pending.linkId = askId;
    pending.onSettled = this.#forget;
    pending.onAbandon = () => this.#push([kind.cancel, askId]);
    this.#asks.set(askId, pending);
    this.#counters.sent();
    const remainingMs = pending.deadlineAt - this.#kernel.clock.now();
    this.#push([kind.ask, id, method, args, askId, remainingMs]);
  }

  signal(id: number, signal: SystemSignal): void {
    this.#push([kind.signal, id, signal]);
  }

  table(message: TableMessage): void {
    this.#push([kind.table, message]);
  }

  answer(askId: number, value: unknown): void {
    this.#serving.delete(askId);
    this.#push([kind.answer, askId, value]);
  }

  fail(askId: number, error: TroupeError): void {
    this.#serving.delete(askId);
    this.#push([kind.failure, askId, toErrorRecord(error)]);
  }

  /** The thread is gone: every ask under way fails at once, queued messages become dead letters. */
  close(message: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#port.close();
    for (const pending of [...this.#asks.values()]) {
      pending.reject(new TroupeError("thread_down", message));
    }
    for (const envelope of this.#batch) {
      if (envelope[0] === kind.tell) this.#refuse(envelope[1], envelope[2], "thread_down");
    }
    this.#batch = [];
    for (const reply of this.#serving.values()) {
      reply.cancel(new TroupeError("cancelled", `the asker's thread died: ${message}`));
    }
    this.#serving.clear();
  }

  /** How many asks wait for an answer from there, and from here. */
  get load(): { asking: number; serving: number } {
    return { asking: this.#asks.size, serving: this.#serving.size };
  }

  readonly #forget = (pending: PendingAsk): void => {
    this.#asks.delete(pending.linkId);
  };

  #push(envelope: WireEnvelope): void {
    if (this.#closed) return;
    if (this.#batch.push(envelope) === 1) this.#kernel.flushLater(this.#flush);
    else if (this.#batch.length >= maxBatch) this.#flush();
  }

  readonly #flush = (): void => {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    let encoded: EncodedBatch;
    try {
      encoded = encodeBatch(batch);
    } catch (error) {
      this.#post(encodeBatch(batch.flatMap((envelope) => this.#encodable(envelope, error))));
      return;
    }
    this.#post(encoded);
  };

  #post(encoded: EncodedBatch): void {
    this.#counters.sentBytes(batchBytes(encoded));
    if (typeof encoded === "string") this.#port.postMessage(encoded);
    else this.#port.postMessage(encoded, [encoded.buffer]);
  }

  /** One envelope of a batch that cannot be encoded: itself, or what is said instead of it. */
  #encodable(envelope: WireEnvelope, batchError: unknown): WireEnvelope[] {
    try {
      encodeBatch([envelope]);
      return [envelope];
    } catch (cause) {
      const what = envelope[0] === kind.tell || envelope[0] === kind.ask ? envelope[2] : "answer";
      const { message } = toErrorRecord(cause ?? batchError);
      const error = new TroupeError(
        "not_serialisable",
        `${what} cannot leave its thread: ${message}`,
      );
      this.#kernel.log("error", error.message, { to: this.thread });
      if (envelope[0] === kind.answer) return [[kind.failure, envelope[1], toErrorRecord(error)]];
      if (envelope[0] === kind.tell) this.#refuse(envelope[1], envelope[2], "not_serialisable");
      if (envelope[0] === kind.ask) this.#asks.get(envelope[4])?.reject(error);
      if (envelope[0] === kind.tell || envelope[0] === kind.ask) this.#counters.unsent();
      return [];
    }
  }

  #refuse(id: number, method: string, reason: DeadLetterReason): void {
    this.#kernel.deadLetter(`<0.${this.thread}.${id}>`, method, reason);
  }

  #receive(encoded: EncodedBatch): void {
    if (this.#closed) return;
    let messages = 0;
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
        const reply = new RemoteReply(this, this.#kernel, askId, remainingMs);
        this.#serving.set(askId, reply);
        this.#deliver(id, new Envelope(method, args, reply));
        break;
      }
      case kind.answer:
        this.#settled(envelope[1])?.resolve(envelope[2]);
        break;
      case kind.failure:
        this.#settled(envelope[1])?.reject(fromErrorRecord(envelope[2]));
        break;
      case kind.cancel:
        this.#serving.get(envelope[1])?.cancel(new TroupeError("cancelled", "the asker gave up"));
        this.#serving.delete(envelope[1]);
        break;
      case kind.signal: {
        const { thread, incarnation } = this.#kernel;
        const target = this.#kernel.ref({ node: 0, thread, id: envelope[1], incarnation });
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

  /** The ask that an answer is for; an answer that comes too late is counted. */
  #settled(askId: number): PendingAsk | undefined {
    const pending = this.#asks.get(askId);
    if (pending === undefined) this.#kernel.asks.late += 1;
    return pending;
  }
}

/** The way back to an asker on another thread. */
class RemoteReply implements Reply {
  readonly #link: Link;
  readonly #kernel: Kernel;
  readonly #askId: number;
  readonly deadlineAt: number;
  onAbandon: ((reason: TroupeError) => void) | null = null;
  #done = false;

  constructor(link: Link, kernel: Kernel, askId: number, remainingMs: number) {
    this.#link = link;
    this.#kernel = kernel;
    this.#askId = askId;
    this.deadlineAt = kernel.clock.now() + remainingMs;
  }

  /** The asker's deadline may pass here before word of it arrives. */
  get settled(): boolean {
    return this.#done || this.#kernel.clock.now() > this.deadlineAt;
  }

  resolve(value: unknown): void {
    if (this.#end()) this.#link.answer(this.#askId, value);
  }

  reject(error: TroupeError): void {
    if (this.#end()) this.#link.fail(this.#askId, error);
  }

  cancel(reason: TroupeError): void {
    if (this.#done) return;
    this.#done = true;
    this.onAbandon?.(reason);
  }

  #end(): boolean {
    if (this.#done) {
      this.#kernel.asks.late += 1;
      return false;
    }
    this.#done = true;
    return true;
  }
}
