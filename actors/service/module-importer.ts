import { fileURLToPath } from "node:url";
import { type Clock, ReplyError } from "#runtime";
import { importModule, versionedUrl } from "./service-module.ts";

/** Imports states of modules, each under a URL of its own, within a time. */
export class ModuleImporter {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #lastToken = 0;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * A URL under which the module was never imported: unique on every thread and after every restart,
   * so that no import meets an older one's cache.
   */
  nextUrl(source: string): string {
    this.#lastToken = Math.max(this.#lastToken + 1, Math.floor(this.#clock.wallTime()));
    return versionedUrl(source, this.#lastToken);
  }

  /** The exports. @throws ReplyError `load_failed`, also when it takes too long. */
  import(url: string): Promise<object> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(this.#timeoutMs, () => {
        const message = `${fileURLToPath(url)}: it had not loaded after ${this.#timeoutMs} ms`;
        reject(new ReplyError("load_failed", message));
      });
      importModule(url)
        .then(resolve, reject)
        .finally(() => timer.cancel());
    });
  }
}
