import { Actor, type ActorRef, type Signal } from "#runtime";
import { BulkheadGate } from "./bulkhead-gate.ts";

/**
 * Stands for its thread before all bulkheads: it lives exactly as long as the thread, so that they
 * can watch it, and speaks for the thread's {@link BulkheadGate}, which is no actor.
 */
export class BulkheadPorter extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #gate: BulkheadGate = BulkheadGate.of(this.context);

  /** The tickets that the thread holds of a key, whose bulkhead was lost and will be another. */
  handOver(key: string): number[] {
    return this.#gate.handOver(key);
  }

  /** The thread uses a bulkhead: its gate is to know of the end. */
  follow(bulkhead: ActorRef): void {
    this.context.watch(bulkhead);
  }

  protected override onSignal(signal: Signal): void {
    if (signal.type === "terminated") this.#gate.forget(signal.ref);
  }
}
