import { freePorts } from "#runtime/testing";
import type { Scope } from "../gateway-process.ts";
import { ClusterNode, type NodeOptions } from "./cluster-node.ts";
import { FaultProxy } from "./proxy.ts";

/** Nodes as processes, every connection between them through a proxy. */
export class Conductor {
  readonly #scope: Scope;
  readonly #proxies = new Map<ClusterNode, FaultProxy>();

  /** What it has ends with `scope`. */
  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** Makes a node that joins those that were made before; it is not started yet. */
  async node(options: NodeOptions): Promise<ClusterNode> {
    const proxy = await FaultProxy.open(this.#scope);
    [proxy.targetPort = 0] = await freePorts(1);
    const place = {
      address: `127.0.0.1:${proxy.port}`,
      listen: `127.0.0.1:${proxy.targetPort}`,
    };
    const others = [...this.#proxies.keys()].map(({ name }) => name);
    const node = new ClusterNode(this.#scope, options, place, others);
    this.#proxies.set(node, proxy);
    return node;
  }

  /** What `from` sends to `to` vanishes; what `to` sends arrives. */
  cutOneWay(from: ClusterNode, to: ClusterNode): void {
    this.#before(to).cut({ from: `${from.alias}@`, flow: "in" });
    this.#before(from).cut({ from: `${to.alias}@`, flow: "out" });
  }

  /** Whatever two nodes send to each other vanishes. */
  cut(one: ClusterNode, other: ClusterNode): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  /** Whatever two nodes send to each other waits until the healing, as with TCP over a bad line. */
  hold(one: ClusterNode, other: ClusterNode): void {
    this.#before(other).hold({ from: `${one.alias}@` });
    this.#before(one).hold({ from: `${other.alias}@` });
  }

  /** The connections between two nodes are reset. */
  drop(one: ClusterNode, other: ClusterNode): void {
    this.#before(other).drop(`${one.alias}@`);
    this.#before(one).drop(`${other.alias}@`);
  }

  /** Of the next frame on each connection between two nodes half arrives, and then nothing. */
  tear(one: ClusterNode, other: ClusterNode, breaks: boolean): void {
    this.#before(other).tear(breaks, { from: `${one.alias}@` });
    this.#before(one).tear(breaks, { from: `${other.alias}@` });
  }

  delay(one: ClusterNode, other: ClusterNode, delayMs: number): void {
    this.#before(other).delay(delayMs, { from: `${one.alias}@` });
    this.#before(one).delay(delayMs, { from: `${other.alias}@` });
  }

  /** Ends every fault of every connection. */
  heal(): void {
    for (const proxy of this.#proxies.values()) proxy.heal();
  }

  #before(node: ClusterNode): FaultProxy {
    return this.#proxies.get(node) as FaultProxy;
  }
}
