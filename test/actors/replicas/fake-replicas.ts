import { type ActorRef, HERE } from "#runtime";
import { LOCAL_NODE, Replica } from "../../../actors/replicas/replica.ts";

/** A replica of an actor that is not there. */
export function fakeReplica(id: number, thread = 1, node: string = LOCAL_NODE): Replica {
  const ref = { node: node === LOCAL_NODE ? HERE : node, thread, id, incarnation: 1 } as ActorRef;
  return new Replica(`${node}/${thread}.${id}.1`, node, ref);
}

/** `count` of them, by their numbers from `first` on. */
export function fakeReplicas(count: number, first = 0): Replica[] {
  return Array.from({ length: count }, (_, index) => fakeReplica(first + index, index % 3));
}
