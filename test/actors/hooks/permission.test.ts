import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import type { HookRequest } from "../../../actors/hooks/hook-request.ts";
import { compilePermission } from "../../../actors/hooks/permission.ts";
import type { CallInfo } from "../../../actors/request/call-info.ts";
import { calls, nextHang, willAnswer } from "./fixtures/hooks.ts";
import {
  caller,
  fixturePath,
  funConfig,
  type HookKit,
  hookTarget,
  info,
  request,
  startHookKit,
} from "./hook-kit.ts";

const noContext = null as never;

/** Whether `who` may make the request with `args`. */
function decide(
  checkPermission: unknown,
  who: Partial<CallInfo>,
  args: Record<string, unknown> = {},
): boolean | Promise<boolean> {
  const argTypes = { user_id: "any", constructor: "any", toString: "any" };
  const permission = compilePermission(funConfig({ checkPermission, argTypes }), noContext);
  assert.ok(permission !== null);
  return permission({ ...request, args }, { ...info, ...who }, caller);
}

describe("the modes", () => {
  it("false is everybody, and costs nothing", () => {
    assert.equal(compilePermission(funConfig(), noContext), null);
  });

  it("any_authenticated is whoever is known", () => {
    assert.equal(decide("any_authenticated", { userId: "alice" }), true);
    assert.equal(decide("any_authenticated", { userId: "0" }), true);
    for (const userId of [null, "", undefined, 0, {}]) {
      assert.equal(decide("any_authenticated", { userId: userId as null }), false);
    }
  });

  /** [user id, value of the argument, allowed] */
  const own: readonly (readonly [userId: unknown, value: unknown, allowed: boolean])[] = [
    ["alice", "alice", true],
    ["alice", "bob", false],
    ["alice", "Alice", false],
    ["alice", "alice ", false],
    ["alice", ["alice"], false],
    ["alice", { id: "alice" }, false],
    ["alice", { toString: () => "alice" }, false],
    ["alice", Object("alice"), false],
    ["alice", null, false],
    ["42", "42", true],
    ["42", 42, true],
    ["42", 42.5, false],
    ["42", "042", false],
    ["042", 42, false],
    ["42", 42n, false],
    ["42.5", 42.5, true],
    ["-1", -1, true],
    ["0", 0, true],
    ["0", -0, true],
    ["-0", -0, false],
    ["1", true, false],
    ["true", true, false],
    ["NaN", Number.NaN, false],
    ["Infinity", Number.POSITIVE_INFINITY, false],
    ["9007199254740991", Number.MAX_SAFE_INTEGER, true],
    // 2^53 and 2^53+1 arrive as the same number.
    ["9007199254740992", JSON.parse("9007199254740993"), false],
    ["9007199254740993", JSON.parse("9007199254740993"), false],
    ["1e+21", 1e21, false],
    ["1e-7", 1e-7, true],
    ["null", null, false],
    ["undefined", undefined, false],
    [null, null, false],
    [undefined, undefined, false],
    [null, "null", false],
    ["", "", false],
    [null, "", false],
    [42, 42, false],
  ];
  for (const [userId, value, allowed] of own) {
    const shown = `${typeof value} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`;
    it(`{arg}: ${JSON.stringify(userId)} and ${shown} is ${allowed ? "allowed" : "denied"}`, () => {
      const who = { userId: userId as string | null };
      assert.equal(decide({ arg: "user_id" }, who, { user_id: value }), allowed);
    });
  }

  it("{arg} denies when the argument is not there, whatever the request inherits", () => {
    assert.equal(decide({ arg: "user_id" }, {}), false);
    assert.equal(decide({ arg: "user_id" }, {}, Object.create({ user_id: "alice" })), false);
    assert.equal(
      decide({ arg: "user_id" }, {}, JSON.parse('{"__proto__":{"user_id":"alice"}}')),
      false,
    );
    assert.equal(decide({ arg: "constructor" }, { userId: String(Object) }), false);
    assert.equal(decide({ arg: "toString" }, {}, JSON.parse('{"toString":"alice"}')), true);
  });

  it("{role} is a known user with one of the roles", () => {
    const role = ["admin", "editor"];
    assert.equal(decide({ role }, { userRoles: ["editor"] }), true);
    assert.equal(decide({ role }, { userRoles: ["guest", "admin"] }), true);
    assert.equal(decide({ role }, { userRoles: ["guest"] }), false);
    assert.equal(decide({ role }, { userRoles: [] }), false);
    assert.equal(decide({ role }, { userRoles: ["Admin", "admin "] }), false);
    assert.equal(decide({ role }, { userId: null, userRoles: ["admin"] }), false);
    assert.equal(decide({ role }, { userId: "", userRoles: ["admin"] }), false);
    for (const userRoles of [
      "admin",
      null,
      undefined,
      { 0: "admin" },
      new Set(["admin"]),
      [["admin"]],
    ]) {
      assert.equal(decide({ role }, { userRoles: userRoles as never }), false);
    }
  });

  it("whatever else the config says denies", () => {
    for (const checkPermission of [true, null, undefined, "", "everybody", 0, {}, [], { arg: 1 }]) {
      const config = { ...funConfig(), checkPermission: checkPermission as false };
      assert.equal(permit(config), false, JSON.stringify(checkPermission));
    }
    for (const role of ["admin", null, {}, "editor"]) {
      const config = { ...funConfig(), checkPermission: { role } as unknown as { role: string[] } };
      assert.equal(permit(config), false, JSON.stringify(role));
    }
    function permit(config: ReturnType<typeof funConfig>): unknown {
      return compilePermission(config, noContext)?.(request, info, caller);
    }
  });

  it("nobody without a user id is ever let in", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<unknown>("any_authenticated", { arg: "user_id" }, { role: ["a", "b"] }),
        fc.constantFrom(null, ""),
        fc.array(fc.constantFrom("a", "", "b")),
        fc.anything(),
        (mode, userId, userRoles, x) =>
          decide(mode, { userId, userRoles }, { user_id: x }) === false,
      ),
    );
  });
});

describe("a callback", () => {
  let kit: HookKit;

  beforeEach(async () => {
    calls.length = 0;
    kit = await startHookKit();
  });

  async function ask(name: string, fields: Record<string, unknown> = {}): Promise<boolean> {
    const config = funConfig({ permissionCallback: hookTarget(name, "extra"), ...fields });
    const permission = compilePermission(config, kit.context);
    assert.ok(permission !== null);
    return permission(request, info, caller);
  }

  it("decides alone: exactly true allows", async () => {
    willAnswer(true);
    assert.equal(await ask("answer", { checkPermission: { role: ["nobody"] } }), true);
    assert.equal(await ask("answerLater"), true);
    willAnswer(false);
    assert.equal(await ask("answer", { checkPermission: "any_authenticated" }), false);
    assert.equal(await ask("answerLater"), false);
    assert.deepEqual(kit.logged("permission callback"), []);
  });

  it("gets the request, who asks, and its own arguments, frozen and its own", async () => {
    willAnswer(true);
    await ask("answer");
    const [[seen, who, ...extra] = []] = calls;
    assert.deepEqual(seen, {
      ...request,
      deviceId: "phone",
      userId: "alice",
      userRoles: ["editor"],
      ipAddress: "192.0.2.7",
      assigns: { user_id: "alice", tenant: "acme" },
    });
    assert.deepEqual(who, info);
    assert.deepEqual(extra, ["extra"]);
    const { args, userRoles, assigns } = seen as HookRequest;
    for (const each of [seen, who, args, userRoles, assigns, (who as CallInfo).userRoles]) {
      assert.ok(Object.isFrozen(each));
    }
    for (const each of [info.userRoles, request.args, caller.assigns]) {
      assert.ok(!Object.isFrozen(each));
    }
  });

  for (const value of [
    undefined,
    null,
    1,
    "true",
    "",
    {},
    [],
    [true],
    new Error("no"),
    Object(true),
  ]) {
    it(`that returns ${JSON.stringify(value)} denies, and is logged`, async () => {
      willAnswer(value);
      assert.equal(await ask("answer"), false);
      const [line] = kit.logged("permission callback failed");
      assert.match(line ?? "", /function=shop\.buy requestId=r1/);
      assert.match(line ?? "", /expected true or false/);
    });
  }

  const failing = ["throws", "rejects", "throwsNothing", "refuses", "brokenThenable", "thenThrows"];
  for (const name of [...failing, "Constructed", "notFunction", "missing"]) {
    it(`that is ${name} denies, and is logged`, async () => {
      assert.equal(await ask(name, { checkPermission: false }), false);
      assert.equal(kit.logged("permission callback failed").length, 1);
    });
  }

  it("that hangs denies after the hook timeout, and is logged", async () => {
    const hung = nextHang();
    const asking = ask("hang", { hookTimeout: 70 });
    await hung;
    kit.test.clock.advance(70);
    assert.equal(await asking, false);
    assert.match(kit.logged("permission callback failed")[0] ?? "", /took longer than 70 ms/);
  });

  it("of a module that is not trusted denies, and is logged", async () => {
    const permissionCallback = { module: fixturePath("../hook-kit.ts"), function: "fixtureUrl" };
    assert.equal(await ask("", { permissionCallback }), false);
    assert.match(kit.logged("permission callback failed")[0] ?? "", /in no trusted folder/);
  });
});
