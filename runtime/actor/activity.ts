import type { Clock } from "../core/index.ts";

/** The slots of the shared record; each is one 32-bit integer. */
const slot = {
  beat: 0,
  actor: 1,
  label: 2,
  suspect: 3,
  suspectLabel: 4,
  /** When nobody waits for the message in progress any more, seconds since 1970; 0: no such time. */
  dueAt: 5,
  /** How many modules are being loaded. */
  loading: 6,
  count: 7,
} as const;

/** Labels are numbered from 1; past the limit they share number 0. */
const maxLabels = 4_096;
const labelNumbers = new Map<string, number>();
const labelListeners = new Set<(label: string, number: number) => void>();

/** The number of a label on this thread, given once. 0 when there are too many labels. */
export function labelNumber(label: string): number {
  let number = labelNumbers.get(label);
  if (number === undefined) {
    if (labelNumbers.size >= maxLabels) return 0;
    number = labelNumbers.size + 1;
    labelNumbers.set(label, number);
    for (const listener of labelListeners) listener(label, number);
  }
  return number;
}

/** Calls `listener` with every label that has a number, and with each that gets one. */
export function onLabel(listener: (label: string, number: number) => void): void {
  for (const [label, number] of labelNumbers) listener(label, number);
  labelListeners.add(listener);
}

/** The size of the memory that an {@link Activity} wants, in bytes. */
export const activityBytes: number = slot.count * Int32Array.BYTES_PER_ELEMENT;

/**
 * What a thread is doing, in memory that others may read while it is too busy to answer: a
 * heartbeat, the actor and label (`Class.method`) of the message in progress, and whether it loads
 * modules. Plain stores: the reader needs the value some milliseconds later, not at once.
 */
export class Activity {
  readonly #slots: Int32Array;
  readonly #clock: Clock | null;

  /** With a `clock` it also tells until when the messages are waited for, which costs two readings. */
  constructor(memory: ArrayBufferLike, clock: Clock | null = null) {
    this.#slots = new Int32Array(memory, 0, slot.count);
    this.#clock = clock;
  }

  /** A message is in progress; `ask` says until when somebody waits for its answer. */
  begin(actorId: number, label: number, ask: { readonly deadlineAt: number } | null = null): void {
    this.#slots[slot.actor] = actorId;
    this.#slots[slot.label] = label;
    if (this.#clock !== null) this.#slots[slot.dueAt] = encodeDueAt(ask, this.#clock);
  }

  end(): void {
    this.#slots[slot.actor] = 0;
  }

  /** Whether somebody waited for the last message that began, and has given up by `wallTime`. */
  isOverdue(wallTime: number): boolean {
    const dueAt = Atomics.load(this.#slots, slot.dueAt);
    return dueAt !== 0 && wallTime > dueAt * 1_000;
  }

  /** Whether a message of the actor is in progress; for its own thread. */
  isBusyWith(actorId: number): boolean {
    return this.#slots[slot.actor] === actorId;
  }

  /** The message in progress goes on after its turn: it is the suspect when the thread gets stuck. */
  suspend(): void {
    this.#slots[slot.suspect] = this.#slots[slot.actor] ?? 0;
    this.#slots[slot.suspectLabel] = this.#slots[slot.label] ?? 0;
  }

  /** None of the actor's messages is in progress any more. */
  clear(actorId: number): void {
    if (this.#slots[slot.suspect] === actorId) this.#slots[slot.suspect] = 0;
  }

  /** Loads a module; for as long as that takes it is known what the thread is busy with. */
  async whileLoading<T>(load: () => Promise<T>): Promise<T> {
    Atomics.add(this.#slots, slot.loading, 1);
    try {
      return await load();
    } finally {
      Atomics.sub(this.#slots, slot.loading, 1);
    }
  }

  get isLoading(): boolean {
    return Atomics.load(this.#slots, slot.loading) > 0;
  }

  beat(): void {
    Atomics.add(this.#slots, slot.beat, 1);
  }

  /** How often the heart has beaten. */
  get beats(): number {
    return Atomics.load(this.#slots, slot.beat);
  }

  /**
   * What another thread sees: the message in progress, or else the last one that was suspended and
   * has not ended (`certain` is then false); null when there is neither.
   */
  read(): { actorId: number; label: number; certain: boolean } | null {
    const actorId = Atomics.load(this.#slots, slot.actor);
    if (actorId !== 0) {
      return { actorId, label: Atomics.load(this.#slots, slot.label), certain: true };
    }
    const suspect = Atomics.load(this.#slots, slot.suspect);
    if (suspect === 0) return null;
    return {
      actorId: suspect,
      label: Atomics.load(this.#slots, slot.suspectLabel),
      certain: false,
    };
  }
}

function encodeDueAt(ask: { readonly deadlineAt: number } | null, clock: Clock): number {
  if (ask === null || ask.deadlineAt === Number.POSITIVE_INFINITY) return 0;
  return Math.ceil((clock.wallTime() + ask.deadlineAt - clock.now()) / 1_000);
}
