import type { ActorRef } from "#runtime";
import { hashText } from "./text-hash.ts";

/** The node of the replicas that live in this process. */
export const LOCAL_NODE = "local";

/** One of the actors that can run a function, as this thread knows it. */
export class Replica {
  /** The same on every thread, and that of no other actor: what hashes and strategies go by. */
  readonly key: string;
  /** The name of its node; {@link LOCAL_NODE} for this one. */
  readonly node: string;
  readonly ref: ActorRef;
  /** Of the key. */
  readonly hash: number;
  /** The calls that this thread has sent it and that have not ended. */
  inFlight = 0;

  constructor(key: string, node: string, ref: ActorRef) {
    this.key = key;
    this.node = node;
    this.ref = ref;
    this.hash = hashText(key);
  }
}
