import { connect, type Socket } from "node:net";
import { resetSocket } from "../reset-socket.ts";

/** `in`: from who dialled to who is dialled; `out`: back. */
export type Flow = "in" | "out";

/** What happens to the bytes of one direction. */
export type Fault =
  | { readonly type: "cut" | "hold" }
  | { readonly type: "delay"; readonly delayMs: number }
  | { readonly type: "tear"; readonly breaks: boolean };

/** What its proxy is told. */
export interface ProxiedEvents {
  /** The dialler has said its name. */
  known(): void;
  over(): void;
}

interface Direction {
  readonly source: Socket;
  readonly sink: Socket;
  fault: Fault | null;
  hasGap: boolean;
  /** Delayed bytes on their way; null is the end. */
  readonly waiting: (Buffer | null)[];
}

/** The first thing that a node says is the hello of its handshake, with its name as text. */
const namePattern = /"name"\s*:\s*"([^"]+@[^"]+)"/;
const maxHelloBytes = 4_096;

/** One connection through a proxy: the dialler's socket, and one of our own to the node. */
export class ProxiedConnection {
  /** The name of the node that dialled; empty until it has said it. */
  dialler = "";
  readonly #flows: { readonly in: Direction; readonly out: Direction };
  readonly #events: ProxiedEvents;
  #hello = "";
  /** A side has ended, and the other was not told. */
  #hidesEnd = false;
  #isOver = false;

  constructor(near: Socket, targetPort: number, events: ProxiedEvents) {
    this.#events = events;
    const far = connect({
      host: "127.0.0.1",
      port: targetPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    this.#flows = {
      in: { source: near, sink: far, fault: null, hasGap: false, waiting: [] },
      out: { source: far, sink: near, fault: null, hasGap: false, waiting: [] },
    };
    this.#run("in");
    this.#run("out");
  }

  /** Sets the fault of one direction. */
  set(flow: Flow, fault: Fault): void {
    const direction = this.#flows[flow];
    direction.fault = fault;
    if (fault.type === "hold") direction.source.pause();
    else direction.source.resume();
  }

  /** Ends its faults. What lost bytes is reset: the kernels of both sides go on trying. */
  heal(): void {
    const directions = [this.#flows.in, this.#flows.out];
    for (const direction of directions) {
      direction.fault = null;
      direction.source.resume();
    }
    if (this.#hidesEnd || directions.some(({ hasGap }) => hasGap)) this.reset();
  }

  /** Both sides hear that it broke. */
  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    resetSocket(this.#flows.in.source);
    resetSocket(this.#flows.in.sink);
    this.#events.over();
  }

  #run(flow: Flow): void {
    const direction = this.#flows[flow];
    const { source, sink } = direction;
    source.on("data", (bytes: Buffer) => {
      if (flow === "in" && this.dialler === "") this.#readHello(bytes);
      this.#pass(direction, bytes);
    });
    source.on("end", () => this.#end(direction));
    source.on("close", () => {
      if (direction.fault?.type === "cut") this.#hidesEnd = true;
      else if (source.errored !== null) this.reset();
      this.#endedOnBothSides();
    });
    source.on("error", () => {});
    sink.on("drain", () => {
      if (direction.fault?.type !== "hold") source.resume();
    });
  }

  #readHello(bytes: Buffer): void {
    this.#hello += bytes.toString("latin1");
    const name = namePattern.exec(this.#hello)?.[1];
    if (name !== undefined) {
      this.dialler = name;
      this.#hello = "";
      this.#events.known();
    } else if (this.#hello.length > maxHelloBytes) this.dialler = "?";
  }

  #pass(direction: Direction, bytes: Buffer): void {
    const { fault, source, sink, waiting } = direction;
    if (fault?.type === "cut") direction.hasGap = true;
    else if (direction.hasGap || this.#hidesEnd) this.reset();
    else if (fault?.type === "hold") source.unshift(bytes);
    else if (fault?.type === "tear") this.#tear(direction, bytes, fault.breaks);
    else if (fault?.type === "delay") this.#later(direction, bytes, fault.delayMs);
    else if (waiting.length > 0) this.#later(direction, bytes, 0);
    else if (!sink.write(bytes)) source.pause();
  }

  #tear(direction: Direction, bytes: Buffer, breaks: boolean): void {
    direction.hasGap = true;
    direction.fault = { type: "cut" };
    // In the middle of a frame, wherever frames begin: no frame has a single byte.
    direction.sink.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => {
      if (breaks) this.reset();
    });
  }

  /** Whichever timer fires sends what has waited longest: order is kept. */
  #later(direction: Direction, bytes: Buffer | null, delayMs: number): void {
    const { waiting, sink } = direction;
    waiting.push(bytes);
    setTimeout(() => {
      const next = waiting.shift();
      if (this.#isOver || next === undefined) return;
      if (direction.fault?.type === "cut") direction.hasGap = true;
      else if (next === null) sink.end();
      else sink.write(next);
    }, delayMs);
  }

  #end(direction: Direction): void {
    const { fault, waiting, sink } = direction;
    if (fault?.type === "cut" || direction.hasGap) this.#hidesEnd = true;
    else if (fault?.type === "delay") this.#later(direction, null, fault.delayMs);
    else if (waiting.length > 0) this.#later(direction, null, 0);
    else sink.end();
  }

  #endedOnBothSides(): void {
    const { source, sink } = this.#flows.in;
    if (this.#isOver || !source.closed || !sink.closed) return;
    this.#isOver = true;
    this.#events.over();
  }
}
