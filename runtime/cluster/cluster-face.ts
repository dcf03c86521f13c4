import type { NodeIdentity } from "./node-identity.ts";

/** The actor number of the cluster's keeper on the main thread of every node. */
export const clusterId = 4;

/** What threads tell the keeper. */
export interface ClusterFace {
  /** The main thread of that node has connected to this one. */
  seen(peer: NodeIdentity): void;
  /** Somebody who connected did not pass the handshake; `from` is host and port. */
  refused(from: string, code: string, why: string): void;
}
