import { type ActorRef, HERE, type Random } from "#runtime";
import type { Replica } from "./replica.ts";
import { mixHash } from "./text-hash.ts";

/**
 * A replica on `thread` when there is any, else any; random among equals. Undefined when there is
 * none. Like all that is chosen here, it allocates nothing.
 */
export function selectNearest(
  replicas: readonly Replica[],
  thread: number,
  random: Random,
): Replica | undefined {
  let near = 0;
  for (const { ref } of replicas) if (isOn(ref, thread)) near += 1;
  if (near === 0) return selectRandom(replicas, random);
  let skip = near > 1 ? Math.floor(random() * near) : 0;
  for (const replica of replicas) {
    if (!isOn(replica.ref, thread)) continue;
    if (skip === 0) return replica;
    skip -= 1;
  }
  return undefined;
}

/** Any replica, each as likely as every other. Undefined when there is none. */
export function selectRandom(replicas: readonly Replica[], random: Random): Replica | undefined {
  return replicas[replicas.length > 1 ? Math.floor(random() * replicas.length) : 0];
}

/**
 * The replica with the fewest calls of this thread in flight, of all of them: counting to the end is
 * cheaper than being wrong, as there are tens of replicas and not thousands. Among equals one on
 * `thread`, then a random one.
 */
export function selectLeastLoaded(
  replicas: readonly Replica[],
  thread: number,
  random: Random,
): Replica | undefined {
  let least: Replica | undefined;
  let leastLoad = Number.POSITIVE_INFINITY;
  let equals = 0;
  for (const replica of replicas) {
    const load = replica.inFlight + (isOn(replica.ref, thread) ? 0 : 0.5);
    if (load > leastLoad) continue;
    equals = load < leastLoad ? 1 : equals + 1;
    leastLoad = load;
    if (equals === 1 || Math.floor(random() * equals) === 0) least = replica;
  }
  return least;
}

/**
 * The replica that a key belongs to, by the hash of the key: the same one whatever thread asks and
 * in whatever order the replicas stand. A replica that joins n others takes 1/(n+1) of the keys, one
 * that leaves gives its own to all others alike, and nothing else moves. Source: highest random
 * weight, D. Thaler and C. Ravishankar, 1998: better balanced than a ring of virtual nodes, with
 * nothing to build or to keep, for a look at each replica.
 */
export function selectByHash(replicas: readonly Replica[], hash: number): Replica | undefined {
  let highest: Replica | undefined;
  let highestWeight = -1;
  for (const replica of replicas) {
    const weight = mixHash(replica.hash ^ hash);
    if (weight < highestWeight) continue;
    // Equal weights are decided by the key, never by the order of the list.
    if (weight === highestWeight && highest !== undefined && replica.key > highest.key) continue;
    highest = replica;
    highestWeight = weight;
  }
  return highest;
}

function isOn(ref: ActorRef, thread: number): boolean {
  return ref.thread === thread && ref.node === HERE;
}
