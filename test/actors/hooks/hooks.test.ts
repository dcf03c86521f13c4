import assert from "node:assert/strict";
import { beforeEach, describe, it, type TestContext } from "node:test";
import { attachHook } from "../../../actors/diagnostics/index.ts";
import type { BeforeVerdict } from "../../../actors/hooks/hook-verdict.ts";
import { Hooks } from "../../../actors/hooks/hooks.ts";
import { type Response, successResponse } from "../../../actors/request/response.ts";
import { calls, nextHang, willAnswer } from "./fixtures/hooks.ts";
import {
  caller,
  fixturePath,
  fixtureUrl,
  funConfig,
  type HookKit,
  hookTarget,
  info,
  request,
  startHookKit,
} from "./hook-kit.ts";

const response: Response = successResponse("r1", { count: 1 });
const rejected = { ok: false, code: "hook_rejected", message: "hook rejected" };

let kit: HookKit;
let hooks: Hooks;

beforeEach(async () => {
  calls.length = 0;
  willAnswer(undefined);
  kit = await startHookKit();
  hooks = new Hooks(kit.context);
});

function before(name: string, fields: Record<string, unknown> = {}): Promise<BeforeVerdict> {
  const config = funConfig({ beforeExecute: hookTarget(name, "extra", 7), ...fields });
  return hooks.before(config, request, info, caller);
}

function after(name: string, fields: Record<string, unknown> = {}): Promise<Response> {
  const config = funConfig({ afterExecute: hookTarget(name, "extra", 7), ...fields });
  return hooks.after(config, request, info, caller, response);
}

interface Heard {
  readonly name: string;
  readonly measurements: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The telemetry of hooks, as long as the test runs. */
function listen(t: TestContext): Heard[] {
  const heard: Heard[] = [];
  t.after(attachHook((name, event) => heard.push({ name, ...event })));
  return heard;
}

const failing = [
  ...["throws", "rejects", "throwsNothing", "brokenThenable", "thenThrows", "Constructed"],
  ...["notFunction", "missing", "throwsHostile"],
];

describe("beforeExecute", () => {
  it("goes on when there is none", async () => {
    const config = funConfig();
    const verdict = await hooks.before(config, request, info, caller);
    assert.deepEqual(verdict, { ok: true, request, config });
  });

  it("gets request, config and its own arguments, frozen", async () => {
    for (const name of ["answer", "answerLater"]) {
      const verdict = await before(name);
      assert.ok(verdict.ok);
      assert.equal(verdict.request, request);
      const [seen, config, ...extra] = calls.pop() as [object, object, ...unknown[]];
      assert.deepEqual(seen, {
        ...request,
        deviceId: "phone",
        userId: "alice",
        userRoles: ["editor"],
        ipAddress: "192.0.2.7",
        assigns: caller.assigns,
      });
      assert.equal(config, verdict.config);
      const { mfa, argTypes } = verdict.config;
      for (const each of [seen, config, mfa, mfa.args, argTypes]) assert.ok(Object.isFrozen(each));
      assert.deepEqual(extra, ["extra", 7]);
    }
    assert.deepEqual(kit.logged("hook"), []);
  });

  it("cannot change what it was given", async () => {
    willAnswer((seen: Record<string, Record<string, unknown>>) => {
      Object.assign(seen["args"] ?? {}, { user_id: "root" });
    });
    assert.deepEqual(await before("answerWith"), rejected);
    assert.deepEqual(request.args, { item: "pear", user_id: "alice" });
    willAnswer((seen: { userRoles: string[] }) => void seen.userRoles.push("admin"));
    assert.deepEqual(await before("answerWith"), rejected);
    assert.deepEqual(info.userRoles, ["editor"]);
    willAnswer(
      (_seen: unknown, config: { mfa: { args: number[] } }) => void config.mfa.args.push(1),
    );
    assert.deepEqual(await before("answerWith"), rejected);
  });

  it("cannot change what lies deeper in arguments and assigns either", async () => {
    const run = (): undefined => undefined;
    const deep = { ...request, args: { order: { lines: [{ count: 1 }] }, run } };
    const known = { ...caller, assigns: { account: { limits: [1] } } };
    const target = hookTarget("answerWith");
    const config = funConfig({ beforeExecute: target, afterExecute: target });
    let hasRun = false;
    willAnswer(({ args, assigns }: { args: typeof deep.args; assigns: typeof known.assigns }) => {
      hasRun = args.run === run;
      for (const line of args.order.lines) line.count = 1_000;
      Object.assign(args.order, { user_id: "root" });
      assigns.account.limits.push(2);
    });
    const verdict = await hooks.before(config, deep, info, known);
    assert.deepEqual(verdict, { ok: true, request: deep, config });
    await hooks.after(config, deep, info, known, response);
    assert.deepEqual(kit.logged("hook"), []);
    assert.deepEqual(deep.args, { order: { lines: [{ count: 1 }] }, run });
    assert.deepEqual(known.assigns, { account: { limits: [1] } });
    assert.ok(hasRun, "what cannot be cloned is there as it is");
  });

  it("changes request and config", async () => {
    willAnswer({ request: { args: { item: "apple" } }, config: { timeout: 150 } });
    const verdict = await before("answerLater");
    assert.ok(verdict.ok);
    assert.deepEqual(verdict.request, { ...request, args: { item: "apple" } });
    assert.equal(verdict.config.timeout, 150);
  });

  it("refuses with its own text, or with the code and message of a ServiceError", async () => {
    willAnswer({ error: "Closed today" });
    assert.deepEqual(await before("answer"), { ...rejected, message: "Closed today" });
    willAnswer(false);
    assert.deepEqual(await before("answer"), rejected);
    const soldOut = { ok: false, code: "sold_out", message: "None left" };
    assert.deepEqual(await before("refuses"), soldOut);
    assert.deepEqual(kit.logged("hook"), []);
  });

  for (const name of failing) {
    it(`that is ${name} refuses, and is logged`, async () => {
      assert.deepEqual(await before(name), rejected);
      const [line, ...others] = kit.logged("hook failed");
      assert.match(line ?? "", /hook=beforeExecute function=shop\.buy requestId=r1 module=file:/);
      assert.deepEqual(others, []);
    });
  }

  it("that returns nonsense refuses, and is logged", async () => {
    const getter = Object.defineProperty({}, "error", {
      enumerable: true,
      get: () => assert.fail("no"),
    });
    for (const value of [
      true,
      "ok",
      [],
      { request: { userId: "root" } },
      { config: { x: 1 } },
      getter,
    ]) {
      willAnswer(value);
      assert.deepEqual(await before("answer"), rejected);
    }
    assert.equal(kit.logged("hook failed").length, 6);
  });

  it("that hangs refuses after the hook timeout, and is logged", async () => {
    const hung = nextHang();
    const verdict = before("hang", { hookTimeout: 40 });
    await hung;
    kit.test.clock.advance(39);
    assert.deepEqual(kit.logged("hook failed"), []);
    kit.test.clock.advance(1);
    assert.deepEqual(await verdict, rejected);
    assert.match(kit.logged("hook failed")[0] ?? "", /took longer than 40 ms/);
    assert.equal(kit.test.clock.pendingTimers, 0);
  });

  it("of a module that is not trusted refuses, and is logged", async () => {
    const beforeExecute = { module: fixturePath("../hook-kit.ts"), function: "fixtureUrl" };
    assert.deepEqual(await before("", { beforeExecute }), rejected);
    assert.match(kit.logged("hook failed")[0] ?? "", /in no trusted folder/);
  });
});

describe("afterExecute", () => {
  it("keeps the Response when there is none, or it returns nothing", async () => {
    assert.equal(await hooks.after(funConfig(), request, info, caller, response), response);
    for (const name of ["answer", "answerLater"]) assert.equal(await after(name), response);
  });

  it("gets request, config, response and its own arguments, frozen", async () => {
    await after("answer");
    const [seen, config, given, ...extra] = calls[0] as [object, object, object, ...unknown[]];
    assert.equal((seen as { userId: unknown }).userId, "alice");
    assert.equal((config as { service: unknown }).service, "shop");
    assert.deepEqual(given, response);
    for (const each of [seen, config, given]) assert.ok(Object.isFrozen(each));
    assert.ok(!Object.isFrozen(response));
    assert.deepEqual(extra, ["extra", 7]);
  });

  it("changes the Response", async () => {
    willAnswer({ result: { count: 2 } });
    assert.deepEqual(await after("answerLater"), successResponse("r1", { count: 2 }));
    willAnswer({ error: "Too many", code: "too_many" });
    const failure = await after("answer");
    assert.equal(failure.success, false);
    assert.equal(failure.code, "too_many");
    assert.equal(failure.error, "Too many");
  });

  for (const name of [...failing, "refuses"]) {
    it(`that is ${name} keeps the Response, and is logged`, async () => {
      assert.equal(await after(name), response);
      assert.match(kit.logged("hook failed")[0] ?? "", /hook=afterExecute function=shop\.buy/);
    });
  }

  it("that returns nonsense keeps the Response, and is logged", async () => {
    for (const value of [true, false, "ok", [], {}, { result: 1, has_more: true }]) {
      willAnswer(value);
      assert.equal(await after("answer"), response);
    }
    assert.equal(kit.logged("hook failed").length, 6);
  });

  it("that hangs keeps the Response after the hook timeout, and is logged", async () => {
    const hung = nextHang();
    const waiting = after("hang");
    await hung;
    kit.test.clock.advance(5_000);
    assert.equal(await waiting, response);
    assert.match(kit.logged("hook failed")[0] ?? "", /took longer than 5000 ms/);
  });
});

describe("telemetry", () => {
  const metadata = {
    service: "shop",
    request_type: "buy",
    version: "1.2.0",
    request_id: "r1",
    module: fixtureUrl("hooks.ts"),
  };

  for (const [phase, run] of [["before", before] as const, ["after", after] as const]) {
    it(`tells the start and the stop of ${phase}Execute`, async (t) => {
      const heard = listen(t);
      await run("answer");
      willAnswer(phase === "before" ? { config: { timeout: 200 } } : { result: 2 });
      await run("answer");
      assert.deepEqual(
        heard.map(({ name }) => name.replace(`troupe:hook:${phase}_`, "")),
        ["start", "stop", "start", "stop"],
      );
      const [start, stop, , changed] = heard;
      const target = { ...metadata, function: "answer" };
      assert.deepEqual(start?.metadata, target);
      assert.deepEqual(start?.measurements, { system_time: kit.test.clock.wallTime() });
      assert.deepEqual(stop?.metadata, { ...target, outcome: "unchanged" });
      assert.deepEqual(stop?.measurements, { duration_us: 0 });
      assert.equal(changed?.metadata["outcome"], "changed");
    });

    it(`tells the exceptions of ${phase}Execute`, async (t) => {
      const heard = listen(t);
      const hung = nextHang();
      const running = run("hang", { hookTimeout: 25 });
      await hung;
      kit.test.clock.advance(25);
      await running;
      for (const name of ["throws", "missing"]) await run(name);
      willAnswer(true);
      await run("answer");
      const exceptions = heard.filter(({ name }) => name === `troupe:hook:${phase}_exception`);
      assert.equal(exceptions.length, 4);
      assert.equal(heard.length, 8);
      assert.deepEqual(exceptions[0]?.measurements, { duration_us: 25_000 });
      assert.deepEqual(
        exceptions.map(({ metadata }) => typeof metadata["reason"]),
        ["string", "string", "string", "string"],
      );
      assert.match(String(exceptions[1]?.metadata["reason"]), /secret detail/);
    });
  }

  it("tells of a refusal as of a stop", async (t) => {
    const heard = listen(t);
    willAnswer({ error: "no" });
    await before("answer");
    await before("refuses");
    const stops = heard.filter(({ name }) => name === "troupe:hook:before_stop");
    assert.deepEqual(
      stops.map(({ metadata }) => metadata["outcome"]),
      ["refused", "refused"],
    );
  });

  it("tells nothing of a function without hooks", async (t) => {
    const heard = listen(t);
    await hooks.before(funConfig(), request, info, caller);
    await hooks.after(funConfig(), request, info, caller, response);
    assert.deepEqual(heard, []);
  });
});
