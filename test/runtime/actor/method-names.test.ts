import assert from "node:assert/strict";
import test from "node:test";
import { testKernel } from "#runtime/testing";
import { Actor, type ActorRef, actorClassInfo } from "../../../runtime/actor/index.ts";

class Base extends Actor {
  readonly log: string[] = [];

  inherited(): string {
    return "base";
  }

  overridden(): string {
    return "base";
  }

  protected override init(): void {
    this.log.push("init");
  }

  protected override terminate(): void {
    this.log.push("terminate");
  }
}

class Derived extends Base {
  override overridden(): string {
    return `derived over ${super.overridden()}`;
  }

  get accessor(): () => string {
    return () => "no message";
  }

  #secret(): string {
    return "secret";
  }

  open(): string {
    return this.#secret();
  }

  static helper(): string {
    return "static";
  }
}

const noMessages = [
  "constructor",
  "init",
  "onSignal",
  "terminate",
  "codeChange",
  "context",
  "self",
  "then",
  "toString",
  "toLocaleString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "__proto__",
  "__defineGetter__",
  "accessor",
  "log",
  "#secret",
  "helper",
  "nothing",
  "",
];

test("the messages of a class are its public methods and those it inherits, nothing else", () => {
  assert.deepEqual(Object.keys(actorClassInfo(Derived).methods).sort(), [
    "inherited",
    "open",
    "overridden",
  ]);
});

test("a name that is no message is refused as unknown, whoever sends it", async () => {
  const t = testKernel();
  const ref = await t.spawn(Derived);
  for (const method of noMessages) {
    await assert.rejects(t.until(t.kernel.request(ref, method, [], {})), {
      code: "unknown_method",
    });
    t.kernel.send(ref, method, []);
  }
  await t.settle();
  assert.deepEqual(t.kernel.deadLetters.counts(), { unknown_method: 2 * noMessages.length });
  assert.equal(t.kernel.find(ref.id)?.state, "running");
  assert.equal(t.kernel.find(ref.id)?.handled, 0);
});

test("overridden and inherited methods are messages", async () => {
  const t = testKernel();
  const ref = await t.spawn(Derived);
  assert.equal(await t.until(ref.ask.overridden()), "derived over base");
  assert.equal(await t.until(ref.ask.inherited()), "base");
  assert.equal(await t.until(ref.ask.open()), "secret");
});

test("the stubs of a ref have no lifecycle names, and awaiting one is no message", async () => {
  const t = testKernel();
  const ref = await t.spawn(Derived);
  for (const stub of [ref.tell, ref.ask] as unknown as Record<string, unknown>[]) {
    for (const method of ["init", "terminate", "onSignal", "codeChange", "then", "accessor"]) {
      assert.equal(stub[method], undefined, method);
    }
  }
  const unknown = t.kernel.ref({
    node: "0",
    thread: 5,
    id: 20,
    incarnation: 1,
  }) as ActorRef<Derived>;
  await unknown.ask;
  await unknown.tell;
  assert.equal(t.kernel.deadLetters.total, 0);
});
