import assert from "node:assert/strict";
import test from "node:test";
import { Program } from "../../fixtures/program.ts";

async function started(...args: string[]): Promise<Program> {
  const running = new Program("signalled.ts", args);
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
