import { freePorts } from "#runtime/testing";
import { ServerProcess } from "./server-process.ts";

/** Two nodes in processes of their own that have met: one asks, the other answers. */
export class NodePair {
  readonly asker: ServerProcess;
  /** The name of the node that answers. */
  readonly peerName: string;
  readonly #askerName: string;
  #peer: ServerProcess;

  private constructor(
    asker: ServerProcess,
    askerName: string,
    peer: ServerProcess,
    peerName: string,
  ) {
    this.asker = asker;
    this.#askerName = askerName;
    this.#peer = peer;
    this.peerName = peerName;
  }

  static async start(): Promise<NodePair> {
    const [askerPort, peerPort] = await freePorts(2);
    const askerName = `asker@127.0.0.1:${askerPort}`;
    const peerName = `peer@127.0.0.1:${peerPort}`;
    const [asker, peer] = await Promise.all([
      ServerProcess.start("./cluster-node.ts", [askerName]),
      ServerProcess.start("./cluster-node.ts", [peerName, askerName]),
    ]);
    const pair = new NodePair(asker, askerName, peer, peerName);
    await asker.call("meet", peerName);
    return pair;
  }

  get peer(): ServerProcess {
    return this.#peer;
  }

  /** CPU time of both processes since their start, µs. */
  async cpuUs(): Promise<number> {
    const usages = await Promise.all([this.asker.usage(), this.#peer.usage()]);
    return usages.reduce((sum, { cpuUs }) => sum + cpuUs, 0);
  }

  /** How many asks were answered with `inFlight` of them under way. */
  async ask(inFlight: number, durationMs: number): Promise<number> {
    return (await this.asker.call("ask", this.peerName, inFlight, durationMs)) as number;
  }

  /** Starts the killed peer anew, under its old name, and waits until the two have met. */
  async restartPeer(): Promise<void> {
    this.#peer = await ServerProcess.start("./cluster-node.ts", [this.peerName, this.#askerName]);
    await this.asker.call("meet", this.peerName);
  }

  async stop(): Promise<void> {
    await Promise.all([this.asker.stop(), this.#peer.stop()]);
  }
}
