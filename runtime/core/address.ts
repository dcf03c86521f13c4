/** What {@link Address.node} says of an actor on this node. */
export const HERE = "0";

/**
 * Where an actor lives: node, thread and actor number, and the incarnation of the thread that gave
 * the number. Actor numbers are never used twice within an incarnation, so an address that was
 * valid once never comes to mean another actor.
 */
export interface Address {
  /** {@link HERE} for this node, else the name of another one: `users@10.0.0.7:9101`. */
  readonly node: string;
  /** 0 is the main thread; scheduler threads count from 1, dedicated threads follow them. */
  readonly thread: number;
  readonly id: number;
  /**
   * Counts how often the thread in this slot was started. On a node of a cluster it counts on from
   * the time when the node started, so that none comes twice when the node is started anew.
   */
  readonly incarnation: number;
}

/** The printed form, `<node.thread.id>`: `<0.2.118>`, or `<users@10.0.0.7:9101.2.118>`. */
export function formatPid(address: Address): string {
  return `<${address.node}.${address.thread}.${address.id}>`;
}

/** Parses what {@link formatPid} made, with or without its brackets; undefined for anything else. */
export function parsePid(text: string): { node: string; thread: number; id: number } | undefined {
  const match = /^<?(0|[^\s<>]{1,300}@[^\s<>]{1,300})\.(\d{1,9})\.(\d{1,15})>?$/.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  return { node: match[1], thread: Number(match[2]), id: Number(match[3]) };
}

/** A key under which two addresses are equal exactly when they mean the same actor. */
export function addressKey(address: Address): string {
  return `${address.node}.${address.thread}.${address.id}.${address.incarnation}`;
}
