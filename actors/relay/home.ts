import { hashText } from "../replicas/index.ts";

/** A node that groups and users may have their home on. */
export interface HomeNode {
  readonly name: string;
  /** How many it has; > 0. */
  readonly shards: number;
}

/** Where a key is at home. */
export interface Home {
  readonly node: string;
  /** From 1 on. */
  readonly shard: number;
}

/**
 * The home of a group or a user: the same wherever the same nodes are seen, whatever their order.
 * Rendezvous hashing (Thaler, Ravishankar 1998) chooses the node, so that a node that comes or goes
 * moves none but the keys that it gets or had; the shard of the node follows from the key alone.
 *
 * @returns null when there is no node.
 */
export function selectHome(key: string, nodes: readonly HomeNode[]): Home | null {
  let best: HomeNode | null = null;
  let bestWeight = -1;
  for (const node of nodes) {
    const weight = hashText(`${node.name}\0${key}`);
    const isBetter = best === null || weight > bestWeight;
    // Two of the same weight: whoever looks has to choose the same.
    if (isBetter || (weight === bestWeight && best !== null && node.name < best.name)) {
      best = node;
      bestWeight = weight;
    }
  }
  return best === null ? null : { node: best.name, shard: selectShard(key, best.shards) };
}

/** The shard of a node that has `shards`, from 1 on, that a key belongs to if it is that node's. */
export function selectShard(key: string, shards: number): number {
  return (hashText(key) % shards) + 1;
}
