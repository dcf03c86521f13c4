import assert from "node:assert/strict";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually, within } from "./deadline.ts";
import { TroupeProcess } from "./troupe-process.ts";

/** What ends when a test does (its TestContext), or with all tests of a file. */
export interface Scope {
  after(done: () => Promise<void> | void): void;
}

/** The scope of a test file. What a scope holds ends in reverse order, whatever of it fails. */
export function fileScope(): Scope {
  return scopeOf((end) => after(end));
}

/** The scope of one test, for what must end in reverse order. */
export function testScope(t: Scope): Scope {
  return scopeOf((end) => t.after(end));
}

function scopeOf(register: (end: () => Promise<void>) => void): Scope {
  const ends: (() => Promise<void> | void)[] = [];
  register(async () => {
    const faults: unknown[] = [];
    for (const end of ends.reverse()) {
      try {
        await end();
      } catch (fault) {
        faults.push(fault);
      }
    }
    if (faults.length > 0) throw faults[0];
  });
  return { after: (end) => void ends.push(end) };
}

/** How a gateway is started, beside the free port and the socket of its own. */
export interface StartOptions {
  readonly threads?: number;
  /** Names of modules in `fixtures/`. */
  readonly services?: readonly string[];
  readonly demo?: boolean;
  /** The path of a configuration. */
  readonly config?: string;
}

/** The path of a module in `fixtures/`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
}

/** A gateway in a process of its own, on a free port. */
export class GatewayProcess extends TroupeProcess {
  port = 0;

  private constructor(flags: readonly string[]) {
    super(["--port", "0", ...flags]);
  }

  /** Resolves when it serves; it is stopped with `scope`, and must then end as it should. */
  static async start(scope: Scope, options: StartOptions = {}): Promise<GatewayProcess> {
    const { threads = 2, services = [], demo = true, config } = options;
    const gateway = new GatewayProcess([
      ...["--threads", String(threads), ...(demo ? ["--demo"] : [])],
      ...(config === undefined ? [] : ["--config", config]),
      ...services.flatMap((name) => ["--service", fixture(name)]),
    ]);
    scope.after(() => gateway.#close());
    const start = await gateway.said(
      "stdout",
      /ws:\/\/127\.0\.0\.1:(\d+)\/socket[\s\S]*^operate .*$/m,
    );
    gateway.port = Number(start[1]);
    return gateway;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  /**
   * Resolves when actors of these names live, of whichever generation of a service: what a thread had
   * comes back one after the other.
   */
  async has(...names: readonly string[]): Promise<void> {
    await eventually(
      () => this.command<{ name: string | null }[]>("ps").catch(() => []),
      (actors) =>
        names.every((wanted) => actors.some(({ name }) => name?.replace(/@\d+/, "") === wanted)),
      `there are ${names}`,
    );
  }

  async #close(): Promise<void> {
    try {
      if (this.isRunning && this.port !== 0) {
        this.kill("SIGTERM");
        const { code } = await within(this.ended, "the gateway stops");
        assert.equal(code, 0, this.stderr);
      }
      assert.doesNotMatch(this.stderr, /unhandled|executor rejected/i);
    } finally {
      await this.dispose();
    }
  }
}
