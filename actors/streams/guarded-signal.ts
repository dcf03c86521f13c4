/**
 * Signals for code that is not ours. What an abort listener throws has nobody who could catch it: the
 * platform makes it an uncaught exception, and the thread with all its actors is gone. The listeners
 * of a guarded signal may throw: it is reported instead.
 */

type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null;

/** Told of what a listener has thrown, or its promise was rejected with. */
export type ReportThrow = (error: unknown) => void;

const reporters = new WeakMap<AbortSignal, ReportThrow>();
const guards = new WeakMap<object, (event: Event) => void>();
const onaborts = new WeakMap<AbortSignal, Listener>();

/** Makes the signal of `controller` a guarded one; before anybody has it. */
export function guardSignal(controller: AbortController, report: ReportThrow): AbortSignal {
  const { signal } = controller;
  reporters.set(signal, report);
  Object.setPrototypeOf(signal, GuardedSignal);
  return signal;
}

/** A guarded signal that is aborted with `source`, for the same reason. */
export function guardedFrom(source: AbortSignal, report: ReportThrow): AbortSignal {
  const controller = new AbortController();
  const signal = guardSignal(controller, report);
  const follow = (): void => controller.abort(source.reason);
  if (source.aborted) follow();
  else source.addEventListener("abort", follow, { once: true });
  return signal;
}

function guardOf(listener: NonNullable<Listener>): (event: Event) => void {
  let guard = guards.get(listener);
  if (guard === undefined) {
    guard = function (this: AbortSignal, event: Event): void {
      const report = (error: unknown): void => reporters.get(this)?.(error);
      try {
        const result =
          typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event);
        if (result instanceof Promise) result.catch(report);
      } catch (error) {
        report(error);
      }
    };
    guards.set(listener, guard);
  }
  return guard;
}

const { addEventListener, removeEventListener } = AbortSignal.prototype;

/** What all guarded signals inherit from: an AbortSignal in all else. */
const GuardedSignal: object = Object.create(AbortSignal.prototype, {
  addEventListener: {
    value(this: AbortSignal, type: string, listener: Listener, options?: AddEventListenerOptions) {
      const guard = listener === null ? listener : guardOf(listener);
      addEventListener.call(this, type, guard as EventListener, options);
    },
  },
  removeEventListener: {
    value(this: AbortSignal, type: string, listener: Listener, options?: EventListenerOptions) {
      const guard = listener === null ? listener : guardOf(listener);
      removeEventListener.call(this, type, guard as EventListener, options);
    },
  },
  onabort: {
    get(this: AbortSignal): Listener {
      return onaborts.get(this) ?? null;
    },
    set(this: AbortSignal, listener: Listener) {
      this.removeEventListener("abort", (onaborts.get(this) ?? null) as EventListener);
      onaborts.set(this, listener);
      if (typeof listener === "function") this.addEventListener("abort", listener);
    },
  },
});
