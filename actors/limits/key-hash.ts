const multiplier = 0x9e3779b1;

/**
 * 32 bits of a text and a seed, each bit depending on all of both. With a seed that nobody knows
 * (`hashText` of a store) clients cannot choose keys that fall together.
 */
export function hashText(text: string, seed: number): number {
  let hash = seed | 0;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), multiplier);
    hash ^= hash >>> 15;
  }
  return mixHash(hash, text.length);
}

/** 32 bits of a hash and a number, each bit depending on all of both. */
export function mixHash(hash: number, number: number): number {
  let mixed = Math.imul(hash ^ Math.imul(number, multiplier), multiplier);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, multiplier);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Which of `shards` counts a value, 0 to shards - 1, the same on every thread. The rule does not
 * matter: what several rules count of one user lies in one shard, and is asked for at once.
 */
export function selectShard(value: string, shards: number): number {
  return shards === 1 ? 0 : hashText(value, 0) % shards;
}
