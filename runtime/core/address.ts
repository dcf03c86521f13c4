/**
 * Where an actor lives: node, thread and actor number, and the incarnation of the thread that gave
 * the number. Actor numbers are never used twice within an incarnation, so an address that was
 * valid once never comes to mean another actor.
 */
export interface Address {
  /** 0 is this node. */
  readonly node: number;
  /** 0 is the main thread; scheduler threads count from 1, dedicated threads follow them. */
  readonly thread: number;
  readonly id: number;
  /** Counts how often the thread in this slot was started; the first start is 1. */
  readonly incarnation: number;
}

/** The printed form, `<node.thread.id>`, for example `<0.2.118>`. */
export function formatPid(address: Address): string {
  return `<${address.node}.${address.thread}.${address.id}>`;
}

/** Parses `<0.2.118>` or `0.2.118`; undefined when the text is not a pid. */
export function parsePid(text: string): { node: number; thread: number; id: number } | undefined {
  const match = /^<?(\d{1,9})\.(\d{1,9})\.(\d{1,15})>?$/.exec(text.trim());
  if (!match) return undefined;
  return { node: Number(match[1]), thread: Number(match[2]), id: Number(match[3]) };
}

/** A key under which two addresses are equal exactly when they mean the same actor. */
export function addressKey(address: Address): string {
  return `${address.node}.${address.thread}.${address.id}.${address.incarnation}`;
}
