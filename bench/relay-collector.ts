import { Actor } from "#runtime";

/** Collects the garbage of the thread that it is on. */
export class Collector extends Actor {
  static override readonly source: string = import.meta.url;

  collect(): void {
    globalThis.gc?.();
  }
}
