/** Those that wait for a signal to fire, in the order in which they came. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `fire` when the signal is aborted, as `addEventListener` does, but at the same price however
 * many wait: an event target looks through all of its listeners at each one that is added. `signal`
 * must not have fired.
 */
export function listenToAbort(signal: AbortSignal, fire: () => void): void {
  let listeners = waiting.get(signal);
  if (listeners === undefined) {
    const all = new Set<() => void>();
    listeners = all;
    waiting.set(signal, all);
    signal.addEventListener("abort", () => fireAll(all), { once: true });
  }
  listeners.add(fire);
}

/** Takes a listener back; does nothing when it is gone. */
export function forgetAbort(signal: AbortSignal, fire: () => void): void {
  waiting.get(signal)?.delete(fire);
}

/** How many listen to a signal this way, for tests. */
export function countAbortListeners(signal: AbortSignal): number {
  return waiting.get(signal)?.size ?? 0;
}

function fireAll(listeners: Set<() => void>): void {
  for (const fire of listeners) fire();
  listeners.clear();
}
