import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Actor, type ActorRef, type Signal, TroupeError } from "#runtime";
import { keepInFlight } from "./ask-load.ts";

/** The name that each bench node registers its {@link Peer} under. */
export const peerName = "peer";
/** The one that never answers. */
export const silentName = "silent";

/** What came out of a flood, as its sender saw it. */
export interface Flooded {
  readonly sent: number;
  /** Times that the connection had no room; what was refused was sent later. */
  readonly refused: number;
  /** From the first message to the answer behind the last one. */
  readonly tookMs: number;
}

/** What came of pings. */
export interface Pings {
  readonly worstMs: number;
  /** Asks that were not taken because too much was on its way. */
  readonly refused: number;
}

/** How long after a kill who waited was told, ms. */
export interface Losses {
  readonly asks: readonly number[];
  readonly watches: readonly number[];
}

/** The other end: answers, and counts what it is sent. */
export class Peer extends Actor {
  static override readonly source: string = import.meta.url;
  #large: Uint8Array | null = null;
  #bytes = 0;

  echo(value: unknown): unknown {
    return value;
  }

  /** The same each time: what it takes to make it is not what is measured. */
  large(bytes: number): Uint8Array {
    if (this.#large?.byteLength !== bytes) this.#large = new Uint8Array(bytes).fill(1);
    return this.#large;
  }

  take(message: Uint8Array): void {
    this.#bytes += message.byteLength;
  }

  /** Bytes taken since the last time that it was asked. */
  taken(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }
}

/** Keeps its askers waiting. */
export class Silent extends Actor {
  static override readonly source: string = import.meta.url;

  never(): Promise<never> {
    return new Promise(() => {});
  }
}

const maxTries = 5_000;

/** The bytes that the peer has taken when it has taken all; the way there may be full for a while. */
async function takenBehindAll(peer: ActorRef<Peer>): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await peer.askWith({ timeoutMs: 60_000 }).taken();
    } catch (error) {
      const isFull = error instanceof TroupeError && error.code === "link_full";
      if (!isFull || tries === maxTries) throw error;
      await sleep(2);
    }
  }
}

/** The end that asks. Its concurrency lets it hear signals while a measurement is under way. */
export class Asker extends Actor {
  static override readonly source: string = import.meta.url;

  /** True when the peer's node has told its names. */
  knows(node: string): boolean {
    return this.#find(silentName, node) !== undefined && this.#find(peerName, node) !== undefined;
  }

  ask(node: string, inFlight: number, durationMs: number): Promise<number> {
    const peer = this.#peer(node);
    return keepInFlight(inFlight, durationMs, () => peer.ask.echo({ message: "hello" }));
  }

  /** Sends at a steady pace for `durationMs`, as far as there is room. */
  async flood(
    node: string,
    messageBytes: number,
    bytesPerSecond: number,
    durationMs: number,
  ): Promise<Flooded> {
    const peer = this.#peer(node);
    const message = new Uint8Array(messageBytes).fill(1);
    const startedAt = performance.now();
    let sent = 0;
    let refused = 0;
    for (let elapsedMs = 0; elapsedMs < durationMs; ) {
      const due = ((elapsedMs / 1_000) * bytesPerSecond) / messageBytes;
      while (sent < due) {
        if (!peer.tell.take(message)) {
          refused += 1;
          break;
        }
        sent += 1;
      }
      await sleep(2);
      elapsedMs = performance.now() - startedAt;
    }
    const bytes = await takenBehindAll(peer);
    if (bytes !== sent * messageBytes) {
      throw new Error(`of ${sent * messageBytes} bytes ${bytes} arrived`);
    }
    return { sent, refused, tookMs: performance.now() - startedAt };
  }

  /** Pings from the moment on that a large answer is asked for until it is there. */
  async pingBeside(node: string, answerBytes: number): Promise<Pings> {
    const peer = this.#peer(node);
    let isOver = false;
    const answer = peer
      .askWith({ timeoutMs: 60_000 })
      .large(answerBytes)
      .finally(() => {
        isOver = true;
      });
    const pings = await this.#ping(peer, () => isOver);
    const { byteLength } = await answer;
    if (byteLength !== answerBytes) throw new Error(`an answer of ${byteLength} bytes`);
    return pings;
  }

  /** Pings while nothing else happens. */
  pingAlone(node: string, durationMs: number): Promise<Pings> {
    const endsAt = performance.now() + durationMs;
    return this.#ping(this.#peer(node), () => performance.now() > endsAt);
  }

  /** Kills the process of the peer with asks and monitors pending, and hears how they end. */
  async lose(node: string, pid: number, count: number): Promise<Losses> {
    const silent = this.#find(silentName, node) as ActorRef<Silent> | undefined;
    if (silent === undefined) throw new Error(`no actor ${silentName} on ${node}`);
    const watchers = await Promise.all(
      Array.from({ length: count }, () =>
        this.context.spawn(Watcher, { args: [silent], concurrency: 2 }),
      ),
    );
    const ended = watchers.map((watcher) => watcher.askWith({ timeoutMs: 60_000 }).ended());
    const failed = Array.from({ length: count }, async () => {
      const error = await silent
        .askWith({ timeoutMs: 60_000 })
        .never()
        .catch((reason: unknown) => reason);
      if ((error as TroupeError).code !== "node_down") throw error;
      return performance.now();
    });
    // All of it is there when what was sent behind it is answered.
    await this.#peer(node).ask.echo(null);
    await sleep(50);
    const killedAt = performance.now();
    process.kill(pid, "SIGKILL");
    const asks = (await Promise.all(failed)).map((at) => at - killedAt);
    const watches = (await Promise.all(ended)).map((at) => at - killedAt);
    await Promise.all(watchers.map((watcher) => this.context.stopChild(watcher)));
    return { asks, watches };
  }

  async #ping(peer: ActorRef<Peer>, isOver: () => boolean): Promise<Pings> {
    let worstMs = 0;
    let refused = 0;
    while (!isOver()) {
      const startedAt = performance.now();
      try {
        await peer.ask.echo(null);
      } catch (error) {
        if ((error as TroupeError).code !== "link_full") throw error;
        refused += 1;
      }
      worstMs = Math.max(worstMs, performance.now() - startedAt);
      await sleep(1);
    }
    return { worstMs, refused };
  }

  #peer(node: string): ActorRef<Peer> {
    const peer = this.#find(peerName, node) as ActorRef<Peer> | undefined;
    if (peer === undefined) throw new Error(`no actor ${peerName} on ${node}`);
    return peer;
  }

  #find(name: string, node: string): ActorRef | undefined {
    return this.context.whereis(name, node);
  }
}

/** Watches one actor, and says when it heard of its end. */
class Watcher extends Actor {
  readonly #target: ActorRef;
  readonly #ended = Promise.withResolvers<number>();

  constructor(target: ActorRef) {
    super();
    this.#target = target;
  }

  protected override init(): void {
    this.context.watch(this.#target);
  }

  /** By the clock of the thread, ms. */
  ended(): Promise<number> {
    return this.#ended.promise;
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#ended.resolve(performance.now());
  }
}
