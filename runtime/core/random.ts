/** A source of uniformly distributed numbers in [0, 1). */
export type Random = () => number;

/** The platform's generator; not for secrets. */
export const systemRandom: Random = Math.random;

/**
 * A generator that gives the same numbers for the same seed, on every machine.
 * Algorithm: mulberry32, period 2^32; good enough for schedules and jitter, not for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
