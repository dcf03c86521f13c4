/**
 * What is kept of one key: a block of eight integers, these. `text` and `log` are refs into slabs
 * of the size that `textShape` and `logClass` tell.
 */
export const recordField = {
  /** The next record of the same bucket; the slab's own in a free record. */
  next: 0,
  hash: 1,
  /** Number of the rule; {@link freeRecord} when the record is not in use. */
  rule: 2,
  text: 3,
  /** Characters × 2, and 1 when each takes two bytes; the capacity class of the ring × 65,536. */
  shape: 4,
  /** The ring of times. */
  log: 5,
  /** Where the oldest time lies in the ring. */
  head: 6,
  /** How many times the ring holds. */
  count: 7,
} as const;

/** Words of a record. */
export const recordWords = 4;

/** In the place of a rule's number: the record is free. */
export const freeRecord = -1;
