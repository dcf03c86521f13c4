import { Actor } from "#runtime";

/** Tells what the scheduler thread that it is on holds. */
export class Collector extends Actor {
  static override readonly source: string = import.meta.url;

  /** Bytes of the thread's heap and of what lies outside of it, after its garbage was collected. */
  held(): number {
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }
}
