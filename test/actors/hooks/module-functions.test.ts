import assert from "node:assert/strict";
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, it, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { ReplyError } from "#runtime";
import { ModuleFunctions, type ModuleOutcome } from "../../../actors/hooks/module-functions.ts";
import { calls, nextHang, willAnswer } from "./fixtures/hooks.ts";
import { fixturePath, fixtureUrl, hookTarget, startHookKit } from "./hook-kit.ts";

/** How often each of the modules that count it was evaluated. */
const evaluations = new Map<string, number>();
Object.assign(globalThis, { evaluations });

function reasonOf(outcome: ModuleOutcome): string {
  assert.ok(!outcome.ok, "it did not fail");
  return outcome.reason;
}

function scratchFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-functions-")));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

beforeEach(() => {
  calls.length = 0;
  willAnswer(undefined);
});

describe("a function of a module", () => {
  it("gets the arguments, then those of the target, and what it returns is the value", async () => {
    const { context } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    willAnswer({ a: 1 });
    for (const name of ["answer", "answerLater"]) {
      const outcome = await functions.call(hookTarget(name, "x", { y: 1 }), [1, 2], 100);
      assert.deepEqual(outcome, { ok: true, value: { a: 1 } });
      assert.deepEqual(calls.pop(), [1, 2, "x", { y: 1 }]);
    }
  });

  it("is the same for all who are on the thread, and is named by path or URL", async () => {
    const { context } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    assert.equal(ModuleFunctions.of(context), functions);
    for (const module of [fixturePath("hooks.ts"), fixtureUrl("hooks.ts")]) {
      const target = { module, function: "answer", args: [] };
      assert.ok((await functions.call(target, [], 100)).ok);
    }
    assert.equal(calls.length, 2);
  });

  it("that fails is an outcome", async () => {
    const { context, test } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    const fail = async (name: string): Promise<string> =>
      reasonOf(await functions.call(hookTarget(name), [], 100));
    assert.equal(await fail("throws"), "throws threw Error: secret detail");
    assert.equal(await fail("rejects"), "rejects threw Error: secret rejection");
    assert.equal(await fail("throwsNothing"), "throwsNothing threw Error: undefined");
    assert.match(await fail("brokenThenable"), /no then/);
    assert.match(await fail("thenThrows"), /no then/);
    assert.match(await fail("Constructed"), /TypeError/);
    const none = `${fixtureUrl("hooks.ts")} exports no function`;
    assert.equal(await fail("notFunction"), `${none} notFunction`);
    assert.equal(await fail("missing"), `${none} missing`);
    assert.equal(await fail("_"), `${none} _`);
    assert.equal(test.clock.pendingTimers, 0);
  });

  it("may throw what is for the client", async () => {
    const { context } = await startHookKit();
    const outcome = await ModuleFunctions.of(context).call(hookTarget("refuses"), [], 100);
    assert.ok(!outcome.ok);
    assert.ok(outcome.error instanceof ReplyError);
    assert.equal(outcome.error.code, "sold_out");
    assert.equal(outcome.error.message, "None left");
  });

  it("that hangs is left when its time is over", async () => {
    const { context, test } = await startHookKit();
    const hung = nextHang();
    const calling = ModuleFunctions.of(context).call(hookTarget("hang"), [], 5_000);
    await hung;
    test.clock.advance(4_999);
    assert.equal(test.clock.pendingTimers, 1);
    test.clock.advance(1);
    const took = `hang of ${fixtureUrl("hooks.ts")} took longer than 5000 ms`;
    assert.equal(reasonOf(await calling), took);
  });

  it("whose import outlasts its time is not called afterwards", async () => {
    const { context, test } = await startHookKit();
    const calling = ModuleFunctions.of(context).call(hookTarget("answer"), [], 50);
    test.clock.advance(50);
    reasonOf(await calling);
    assert.ok(
      (await ModuleFunctions.of(context).call(hookTarget("answerLater"), ["later"], 50)).ok,
    );
    assert.deepEqual(calls, [["later"]]);
  });
});

describe("a module", () => {
  it("that is not trusted is not imported", async () => {
    const { context, trusted } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    for (const module of ["node:fs", "fs", "child_process", "data:text/javascript,0", "#actors"]) {
      const outcome = await functions.call({ module, function: "exec", args: [] }, [], 100);
      assert.match(reasonOf(outcome), /may not be imported/);
    }
    const outside = pathToFileURL(fixturePath("../hook-kit.ts")).href;
    const target = { module: outside, function: "fixtureUrl", args: [] };
    assert.match(reasonOf(await functions.call(target, [], 100)), /in no trusted folder/);
    trusted.set(outside, true);
    assert.ok((await functions.call(target, ["x"], 100)).ok);
    for (const name of ["constructor", "__proto__", "toString", "eval", "default", "then"]) {
      const outcome = await functions.call(hookTarget(name), [], 100);
      assert.match(reasonOf(outcome), /may not be called by a configuration/);
    }
  });

  it("is not called any more once its folder is not trusted any more", async () => {
    const { context, trusted } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    assert.ok((await functions.call(hookTarget("answer"), [], 100)).ok);
    trusted.delete(new URL(".", fixtureUrl("hooks.ts")).href);
    assert.match(
      reasonOf(await functions.call(hookTarget("answer"), [], 100)),
      /no trusted folder/,
    );
    assert.equal(calls.length, 1);
    trusted.set(fixtureUrl("hooks.ts"), true);
    assert.ok((await functions.call(hookTarget("answer"), [], 100)).ok);
  });

  it("is not imported through a symlink that leaves its folder", async (t) => {
    const { context, trusted } = await startHookKit();
    const folder = scratchFolder(t);
    trusted.clear();
    trusted.set(pathToFileURL(`${folder}/`).href, true);
    symlinkSync(fixturePath("hooks.ts"), join(folder, "leaves.ts"));
    const target = { module: join(folder, "leaves.ts"), function: "answer", args: [] };
    const outcome = await ModuleFunctions.of(context).call(target, [], 100);
    assert.match(reasonOf(outcome), /a symlink leads it out/);
    assert.equal(calls.length, 0);
  });

  it("that cannot be imported is tried again by the first call a second later", async (t) => {
    const { context, test, trusted } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    const folder = scratchFolder(t);
    trusted.set(pathToFileURL(`${folder}/`).href, true);
    const target = { module: join(folder, "late.ts"), function: "late", args: [] };
    const late = (): Promise<ModuleOutcome> => functions.call(target, [], 60_000);
    assert.match(reasonOf(await late()), /there is no such file/);
    writeFileSync(target.module, "export function late( {");
    test.clock.advance(999);
    assert.match(reasonOf(await late()), /there is no such file/);
    test.clock.advance(1);
    assert.match(reasonOf(await late()), /SyntaxError/);
    writeFileSync(target.module, "export function late() { return 7; }");
    test.clock.advance(999);
    assert.match(reasonOf(await late()), /SyntaxError/);
    test.clock.advance(1);
    assert.deepEqual(await late(), { ok: true, value: 7 });
  });

  it("that threw is evaluated anew, once a second at most", async () => {
    const { context, test } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    const url = fixtureUrl("fails-at-first.ts");
    const target = { module: url, function: "evaluated", args: [] };
    const evaluated = (): Promise<ModuleOutcome> => functions.call(target, [], 60_000);
    const burst = await Promise.all(Array.from({ length: 20 }, evaluated));
    for (const outcome of burst) assert.match(reasonOf(outcome), /not ready \(1\)/);
    assert.equal(evaluations.get(url), 1);
    test.clock.advance(1_000);
    assert.match(reasonOf(await evaluated()), /not ready \(2\)/);
    assert.match(reasonOf(await evaluated()), /not ready \(2\)/);
    test.clock.advance(1_000);
    assert.deepEqual(await evaluated(), { ok: true, value: 3 });
    test.clock.advance(60_000);
    assert.deepEqual(await evaluated(), { ok: true, value: 3 });
    assert.equal(evaluations.get(url), 3);
  });

  it("that always throws is not evaluated every second for ever", async (t) => {
    const { context, test, trusted } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    const folder = scratchFolder(t);
    trusted.set(pathToFileURL(`${folder}/`).href, true);
    const target = { module: join(folder, "broken.js"), function: "f", args: [] };
    writeFileSync(
      target.module,
      'const n = (evaluations.get("broken") ?? 0) + 1;\nevaluations.set("broken", n);\nthrow n;\n',
    );
    for (let second = 0; second < 300; second += 1) {
      reasonOf(await functions.call(target, [], 60_000));
      test.clock.advance(1_000);
    }
    const count = evaluations.get("broken") ?? 0;
    assert.ok(count > 90 && count < 110, String(count));
  });

  it("whose import hangs has failed, and is evaluated anew", async () => {
    const { context, test } = await startHookKit();
    const functions = ModuleFunctions.of(context);
    const target = { module: fixtureUrl("never-loads.ts"), function: "evaluated", args: [] };
    const calling = functions.call(target, [], 100);
    test.clock.advance(100);
    assert.match(reasonOf(await calling), /took longer than 100 ms/);
    test.clock.advance(1_000);
    assert.equal((await functions.call(target, [], 60_000)).ok, true);
  });
});
