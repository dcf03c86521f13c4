import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import test from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../fixtures/signalled.ts", import.meta.url));

/** A process, and a way to wait for what it prints. */
class Program {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  #printed = "";
  #look: () => void = () => {};

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.exited = once(this.child, "exit");
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (text) => {
        this.#printed += text;
        this.#look();
      });
    }
  }

  /** Resolves when the text has been printed; rejects when the process ends without. */
  async printed(text: string): Promise<void> {
    const seen = new Promise<void>((resolve) => {
      this.#look = () => {
        if (this.#printed.includes(text)) resolve();
      };
      this.#look();
    });
    const ended = this.exited.then(() => {
      assert.ok(this.#printed.includes(text), `ended without ${text}: ${this.#printed}`);
    });
    await Promise.race([seen, ended]);
  }

  get output(): string {
    return this.#printed;
  }
}

async function started(...args: string[]): Promise<Program> {
  const running = new Program(args);
  await running.printed("ready");
  return running;
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} stops the system, and the process exits with 0`, async () => {
    const running = await started("clean");
    running.child.kill(signal);
    assert.deepEqual(await running.exited, [0, null]);
    assert.equal(running.output, `ready\nstopping ${signal}\n`);
  });
}

test("a stop that fails exits with 1", async () => {
  const running = await started("fails");
  running.child.kill("SIGTERM");
  assert.deepEqual(await running.exited, [1, null]);
});

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  test(`a second signal, ${signal}, exits at once with ${code}`, async () => {
    const running = await started("hangs");
    running.child.kill("SIGTERM");
    await running.printed("stopping SIGTERM");
    running.child.kill(signal);
    assert.deepEqual(await running.exited, [code, null]);
    assert.equal(running.output, "ready\nstopping SIGTERM\n");
  });
}

test("a signal that comes twice at the same moment counts once", async () => {
  const running = await started("clean", "echo");
  running.child.kill("SIGINT");
  await running.printed("stopping SIGINT");
  running.child.kill("SIGINT");
  assert.deepEqual(await running.exited, [0, null]);
});
