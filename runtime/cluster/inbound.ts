import {
  type ActorRef,
  type AnswerPort,
  AsksIn,
  Envelope,
  type Kernel,
  type LinkLoad,
  type SystemSignal,
} from "../actor/index.ts";
import { HERE, TroupeError, toErrorRecord } from "../core/index.ts";
import type { ClusterConfig } from "./cluster-config.ts";
import type { Session } from "./greeting.ts";
import { NodeChannel } from "./node-channel.ts";
import { type NodeEnvelope, nodeKind } from "./node-envelope.ts";
import { PeerAgent } from "./peer-agent.ts";
import type { Connection } from "./transport.ts";

/** The agent hears of each watch and link of a whole thread: none of them may be refused. */
const agentMailboxCapacity = 10_000_000;

/**
 * A connection that a thread of another node has opened: takes what its actors send, on whatever
 * thread of this node it is for, and returns answers and the ends of actors.
 */
export class Inbound implements AnswerPort {
  readonly peer: Session["peer"];
  readonly #kernel: Kernel;
  readonly #channel: NodeChannel;
  readonly #agent: ActorRef<PeerAgent>;
  readonly #onOver: () => void;
  readonly #serving: AsksIn;
  readonly #hardLimitBytes: number;
  /** Beyond the limit for answers there is room to tell of those that are left out. */
  readonly #lastLimitBytes: number;
  #isOver = false;

  /** `onOver` is called when the connection is lost, or the agent. */
  constructor(
    kernel: Kernel,
    connection: Connection,
    { peer, rest }: Session,
    config: ClusterConfig,
    onOver: () => void,
  ) {
    this.#kernel = kernel;
    this.peer = peer;
    this.#onOver = onOver;
    this.#serving = new AsksIn(kernel, this);
    this.#hardLimitBytes = 2 * config.maxBufferedBytes + config.maxMessageBytes;
    this.#lastLimitBytes = this.#hardLimitBytes + config.maxBufferedBytes;
    const port = {
      peer: `${peer.name} thread ${peer.thread}`,
      allowedModules: config.spawnModules,
      send: (target: ActorRef, signal: SystemSignal) => this.#return(target, signal),
      signal: (target: ActorRef, signal: SystemSignal) => kernel.signal(target, signal),
    };
    const many = { mailboxCapacity: agentMailboxCapacity, concurrency: 1_000, trapExit: true };
    this.#agent = kernel.launch(PeerAgent, [port], many, () => this.drop("its agent has ended"));
    this.#channel = new NodeChannel(kernel, connection, rest, config, {
      envelope: (envelope) => this.#take(envelope),
      closed: (reason) => this.#end(reason),
      unsent: () => {},
    });
    this.#channel.send([nodeKind.hello, this.#agent]);
  }

  get load(): LinkLoad {
    return { asking: 0, serving: this.#serving.size };
  }

  answer(askId: number, value: unknown): void {
    this.#serving.delete(askId);
    if (this.#channel.bufferedBytes < this.#hardLimitBytes) {
      this.#channel.send([nodeKind.answer, askId, value]);
    } else {
      const text = `no room for an answer: too many are on their way to ${this.peer.name}`;
      this.fail(askId, new TroupeError("message_too_large", text));
    }
  }

  fail(askId: number, error: TroupeError): void {
    this.#serving.delete(askId);
    this.#send([nodeKind.failure, askId, toErrorRecord(error)]);
  }

  /** Ends the connection; the node itself stays. */
  drop(reason: string): void {
    this.#channel.drop(reason);
    this.#end(reason);
  }

  /** The node leaves: says goodbye, after what was answered. */
  close(reason: string): void {
    this.#channel.close(reason);
    this.#end(reason);
  }

  #take(envelope: NodeEnvelope): void {
    switch (envelope[0]) {
      case nodeKind.tell: {
        const [, thread, incarnation, id, method, args] = envelope;
        this.#deliver(thread, incarnation, id, new Envelope(method, args, null));
        break;
      }
      case nodeKind.ask: {
        const [, thread, incarnation, id, method, args, askId, remainingMs] = envelope;
        if (!this.#channel.hasRoom) {
          this.#refuse(askId);
          break;
        }
        const reply = this.#serving.add(askId, this.#channel.heardAt + remainingMs);
        this.#deliver(thread, incarnation, id, new Envelope(method, args, reply));
        break;
      }
      case nodeKind.cancel:
        this.#serving.cancel(envelope[1]);
        break;
      case nodeKind.signal: {
        const [, thread, incarnation, id, signal] = envelope;
        this.#obey(this.#kernel.ref({ node: HERE, thread, id, incarnation }), signal);
        break;
      }
      default:
        this.drop("it sent what only the side that accepts may send");
    }
  }

  /** The other side does not read its answers as fast as it asks: what waits for it is bounded. */
  #refuse(askId: number): void {
    if (this.#channel.bufferedBytes >= this.#hardLimitBytes) {
      this.drop("it does not read what it asked for");
    } else {
      const text = `too many answers are on their way to ${this.peer.name}`;
      this.fail(askId, new TroupeError("link_full", text));
    }
  }

  #deliver(thread: number, incarnation: number, id: number, envelope: Envelope): void {
    const kernel = this.#kernel;
    if (thread === kernel.thread && incarnation === kernel.incarnation) {
      const cell = kernel.find(id);
      if (cell !== undefined) cell.post(envelope);
      else kernel.refuseUnknown(id, envelope);
    } else kernel.forward(kernel.ref({ node: HERE, thread, id, incarnation }), envelope);
  }

  /** What bonds the actors of the other thread have here are the agent's. */
  #obey(target: ActorRef, signal: SystemSignal): void {
    const { tell } = this.#agent;
    switch (signal.type) {
      case "watch":
        tell.watch(target, signal.watcher);
        break;
      case "unwatch":
        tell.unwatch(target, signal.watcher);
        break;
      case "link":
        tell.link(target, signal.peer);
        break;
      case "unlink":
        tell.unlink(target, signal.peer);
        break;
      case "exit":
        tell.exit(target, signal.ref, signal.reason);
        break;
      case "stop":
      case "kill":
        this.#kernel.signal(target, signal);
        break;
      case "terminated":
        // Nothing here is watched over this connection.
        break;
    }
  }

  #return({ thread, incarnation, id }: ActorRef, signal: SystemSignal): void {
    this.#send([nodeKind.signal, thread, incarnation, id, signal]);
  }

  /** What is never refused: a peer that reads nothing has to go before it fills the memory. */
  #send(envelope: NodeEnvelope): void {
    if (this.#channel.bufferedBytes < this.#lastLimitBytes) {
      this.#channel.send(envelope);
    } else this.drop("it does not read what it asked for");
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#serving.cancelAll(`the asker's node was lost: ${reason}`);
    this.#agent.tell.lost(reason);
    this.#onOver();
  }
}
