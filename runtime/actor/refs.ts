import type { ActorRef } from "./ref.ts";

/**
 * Actors, each once, in the order in which they came; null: none. Most who know others know one, and
 * need no map for it. What changes them returns what they are from then on.
 */
export type Refs = Map<string | number, ActorRef> | ActorRef | null;

export function hasRef(refs: Refs, ref: ActorRef): boolean {
  if (refs === null) return false;
  return refs instanceof Map ? refs.has(ref.nearKey) : refs.equals(ref);
}

/** One that is among them already changes nothing. */
export function addRef(refs: Refs, ref: ActorRef): Refs {
  if (refs === null) return ref;
  if (refs instanceof Map) return refs.set(ref.nearKey, ref);
  if (refs.equals(ref)) return refs;
  return new Map([
    [refs.nearKey, refs],
    [ref.nearKey, ref],
  ]);
}

/** One that is not among them changes nothing. */
export function removeRef(refs: Refs, ref: ActorRef): Refs {
  if (refs === null || !hasRef(refs, ref)) return refs;
  if (!(refs instanceof Map)) return null;
  refs.delete(ref.nearKey);
  return refs.size === 0 ? null : refs;
}

/** A copy. */
export function listRefs(refs: Refs): readonly ActorRef[] {
  if (refs === null) return [];
  return refs instanceof Map ? [...refs.values()] : [refs];
}
