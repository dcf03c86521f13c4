import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import type { ActorRef } from "#runtime";
import { attachConfig } from "../../../actors/diagnostics/index.ts";
import { FailedConfigs, failedConfigsName } from "../../../actors/registry/index.ts";
import type { FunctionFile } from "../../../actors/service/index.ts";
import { type ServiceKit, scratchFolder, startKit } from "./service-kit.ts";

interface Scene {
  readonly kit: ServiceKit;
  readonly write: (name: string, text: string | Buffer) => string;
  /** Writes a file of entries, of the service `lib` unless they say another, and loads it. */
  readonly load: (entries: readonly object[], name?: string) => Promise<unknown>;
}

async function start(t: TestContext, threads = 0): Promise<Scene> {
  const write = scratchFolder(t);
  const folder = pathToFileURL(dirname(write("lib.ts", LIB))).href;
  const kit = await startKit(t, { threads, loader: { allowModules: [folder] } });
  await kit.system.spawn(FailedConfigs, { name: failedConfigsName });
  const load = (entries: readonly object[], name = "functions.json"): Promise<unknown> =>
    kit.loader.loadFunctions(
      write(name, JSON.stringify(entries.map((entry) => ({ service: "lib", ...entry })))),
    );
  return { kit, write, load };
}

const LIB = `
  import { ServiceError } from "troupe";
  let count = 0;
  export const add = (a, b) => a + b;
  export function echo(args) { return args; }
  export const next = (...args) => [++count, args.length];
  export const told = (a, info) => [a, info];
  export const refuse = () => { throw new ServiceError("no_way", "No."); };
  export const crash = () => { throw new Error("secret"); };
  export async function* count_to({ n }) { for (let i = 1; i <= n; i++) yield i; }
  export const version = () => "one";
  export const init = () => 1;
  export const notAFunction = 5;
`;

const entry = (name: string, more: object = {}): object => ({
  ...{ request_type: name, mfa: { module: "./lib.ts", function: name } },
  ...more,
});

for (const threads of [0, 2]) {
  test(`a file's functions are called with their arguments alone (threads: ${threads})`, async (t) => {
    const { kit, load } = await start(t, threads);
    const two = { arg_types: { a: "num", b: "num" }, arg_orders: ["a", "b"] };
    await load([
      entry("add", two),
      {
        request_type: "add_ten",
        ...two,
        arg_types: { b: "num" },
        arg_orders: ["b"],
        mfa: { module: "./lib.ts", function: "add", args: [10] },
      },
      entry("echo", { arg_types: { a: "num" } }),
      entry("next", { arg_orders: [] }),
      entry("told", { arg_types: { a: "num" }, arg_orders: ["a"], request_info: true }),
      entry("refuse"),
      entry("crash"),
      entry("count_to", { arg_types: { n: "num" }, response_type: "stream" }),
    ]);
    assert.equal(await kit.result("lib", "add", { a: 1, b: 2 }), 3);
    assert.equal(await kit.result("lib", "add_ten", { b: 2 }), 12);
    assert.deepEqual(await kit.result("lib", "echo", { a: 1 }), { a: 1 });
    // One instance: its state is shared by whoever calls.
    assert.deepEqual(await kit.result("lib", "next"), [1, 0]);
    assert.deepEqual(await kit.result("lib", "next"), [2, 0]);
    const [a, info] = (await kit.result("lib", "told", { a: 7 })) as [number, object];
    assert.equal(a, 7);
    assert.deepEqual(Object.keys(info).sort(), ["device_id", "request_id", "user_id"]);
    const refused = (await kit.call("lib", "refuse")).response;
    assert.deepEqual([refused.code, refused.error], ["no_way", "No."]);
    const crashed = (await kit.call("lib", "crash")).response;
    assert.deepEqual([crashed.code, crashed.error], ["internal", "Internal Server Error"]);
    const streamed = await kit.call("lib", "count_to", { n: 3 });
    assert.deepEqual(streamed.chunks, [1, 2, 3]);
    const [file] = await kit.loader.listFunctions();
    assert.equal(file?.functions.length, 8);
    assert.equal(file?.modules.length, 1);
    assert.equal(file?.status, "running");
  });
}

test("both spellings load, and functions of a service, which are followed when it is loaded again", async (t) => {
  const { kit, write, load } = await start(t);
  const service = (text: string): string => `
    import { defineService } from "troupe";
    export default defineService("greeter", { greet: () => "${text}" });`;
  const path = write("greeter.ts", service("old"));
  await kit.loader.load(path);
  const mfa = { module: "greeter", function: "greet" };
  await load([
    { requestType: "hello", mfa },
    { request_type: "hi", mfa },
  ]);
  assert.equal(await kit.result("lib", "hello"), "old");
  write("greeter.ts", service("new"));
  await kit.loader.load(path);
  assert.equal(await kit.result("lib", "hi"), "new");
  await kit.loader.stop("greeter");
  assert.equal((await kit.call("lib", "hi")).response.code, "unavailable");
  await kit.loader.load(path);
  assert.equal(await kit.result("lib", "hi"), "new");
});

test("loading a file again replaces all that it brought, with its modules", async (t) => {
  const { kit, write, load } = await start(t);
  await load([entry("version"), entry("echo")]);
  assert.equal(await kit.result("lib", "version"), "one");
  write("lib.ts", LIB.replace('"one"', '"two"'));
  await load([entry("version"), entry("next")]);
  assert.equal(await kit.result("lib", "version"), "two");
  assert.equal((await kit.call("lib", "echo")).response.code, "unsupported_function");
  const isModule = (name: string): boolean => name.startsWith("file:");
  await kit.until("names", (names) => [...names.keys()].filter(isModule).length === 2);
  await kit.loader.unloadFunctions((await kit.loader.listFunctions())[0]?.source ?? "");
  assert.deepEqual(await kit.loader.listFunctions(), []);
  assert.deepEqual(await kit.registry.list(), []);
  assert.ok(!kit.system.names().some(isModule));
  await assert.rejects(kit.loader.unloadFunctions(write("other.json", "[]")), {
    code: "no_functions",
  });
});

test("each fault is told with file and entry, nothing changes, and it is recorded", async (t) => {
  const { kit, write, load } = await start(t);
  await load([entry("version")]);
  await kit.loader.load(
    write(
      "service.ts",
      'import { defineService } from "troupe"; export default defineService("own", { f: () => 1 });',
    ),
  );
  write("boom.ts", "throw new Error('boom');");
  const outside = scratchFolder(t)("outside.ts", "export const f = () => 1;");
  symlinkSync(outside, write("x", "").replace(/x$/, "linked.ts"));
  const mfa = (module: string, name = "f"): object => ({
    ...{ request_type: "f", mfa: { module, function: name } },
  });
  const cases: readonly [entry: object, fault: RegExp][] = [
    [entry("add", { timeout: 1 }), /lib\/add: timeout: expected .*, received 1/],
    [entry("gone"), /lib\/gone: mfa\.function: \S*lib\.ts exports no function gone/],
    [entry("notAFunction"), /exports no function notAFunction/],
    [entry("init"), /lib\/init: mfa\.function: the name init belongs to the life of an actor/],
    [mfa("./lib.ts", "constructor"), /the name "constructor" is reserved/],
    [mfa("./nowhere.ts"), /lib\/f: mfa\.module: .*there is no such file/],
    [mfa("./boom.ts"), /lib\/f: mfa\.module: .*boom\.ts:1: Error: boom/],
    [mfa(outside), /lib\/f: mfa\.module: .*it is in no trusted folder/],
    [mfa("./linked.ts"), /lib\/f: mfa\.module: .*a symlink leads it out of its folder/],
    [mfa("node:fs"), /lib\/f: mfa\.module: expected an absolute path or a file: URL/],
    [mfa("nobody"), /lib\/f: mfa\.module: no service nobody is loaded/],
    [mfa("own", "g"), /lib\/f: mfa\.function: the service own has no function g/],
    [{ ...mfa("own"), request_info: true }, /requestInfo: expected false, as the service has it/],
    [{ ...mfa("own"), service: "own" }, /own\/f: service: own is loaded from \S*service\.ts/],
    [
      entry("add", { cpu: true }),
      /lib\/add: executor: expected "actor" for a function of a module/,
    ],
    [
      entry("add", { before_execute: { module: outside, function: "f" } }),
      /lib\/add: beforeExecute\.module: .*no trusted folder/,
    ],
    [
      entry("add", { after_execute: { module: "./lib.ts", function: "default" } }),
      /afterExecute\.function: the name "default" is reserved|after_execute\.function/,
    ],
    [entry("version"), /lib\/version: it is loaded from \S*functions\.json as well/],
  ];
  const before = await kit.registry.list();
  const names = kit.system.names().sort();
  for (const [bad, fault] of cases) {
    const loading = load([entry("next"), bad], "other.json");
    await assert.rejects(loading, (error: Error & { code: string }) => {
      assert.equal(error.code, "invalid_functions", error.message);
      assert.match(error.message, /other\.json: the functions are invalid:\n {2}/);
      assert.match(error.message, fault);
      return true;
    });
  }
  assert.deepEqual(await kit.registry.list(), before);
  assert.deepEqual(kit.system.names().sort(), names);
  assert.equal((await kit.loader.listFunctions()).length, 1);
  const { ask } = kit.system.resolve(failedConfigsName) as ActorRef<FailedConfigs>;
  const failed = await ask.list({ source: "file" });
  assert.equal(failed.length, cases.length);
  assert.match(failed.at(-1)?.reasons[0] ?? "", /^timeout: expected/);
  assert.deepEqual([failed.at(-1)?.service, failed.at(-1)?.requestType], ["lib", "add"]);
  for (const [text, message] of [
    ["{", /other\.json: .*JSON/],
    ['{"a":1}', /other\.json: expected a list of functions/],
    [Buffer.from('["\u00e9"]', "latin1"), /other\.json: .*not valid.*utf-8/],
  ] as const) {
    const loading = kit.loader.loadFunctions(write("other.json", text));
    await assert.rejects(loading, { code: "load_failed", message });
  }
  const loader = kit.system.resolve("loader");
  for (const path of ["./nowhere.json", "./a\0b.json", `/${"x".repeat(10_000)}`, "file://x/y"]) {
    await assert.rejects(kit.loader.loadFunctions(path), { code: "no_such_file" }, path);
  }
  assert.equal(kit.system.resolve("loader"), loader, "it has not crashed");
});

test("entries that share a function of a module agree on how it is called", async (t) => {
  const { load } = await start(t);
  const other = { ...entry("next", { request_info: true }), request_type: "other" };
  await assert.rejects(load([entry("next"), other]), {
    message: /lib\/other: mfa\.function: another entry calls next with another requestInfo/,
  });
});

test("a service and a file do not share the functions of one service", async (t) => {
  const { kit, write, load } = await start(t);
  await load([entry("version")]);
  const path = write(
    "lib-service.ts",
    'import { defineService } from "troupe"; export default defineService("lib", { f: () => 1 });',
  );
  await assert.rejects(kit.loader.load(path), {
    code: "duplicate_service",
    message: /lib-service\.ts: functions of lib are loaded from \S*functions\.json/,
  });
});

test("a loader that is restarted goes on with its files, and their modules with their state", async (t) => {
  const { kit, load } = await start(t);
  await load([entry("next", { arg_orders: [] })]);
  assert.deepEqual(await kit.result("lib", "next"), [1, 0]);
  const before = await kit.loader.listFunctions();
  const registered = new Promise<void>((resolve) => {
    t.after(attachConfig((name) => name === "troupe:config:batch_add" && resolve()));
  });
  kit.system.killActor(kit.system.resolve("loader") as ActorRef, "test");
  await registered;
  assert.deepEqual(await kit.loader.listFunctions(), before);
  assert.deepEqual(await kit.result("lib", "next"), [2, 0]);
  // What it watched before it watches again.
  kit.system.killActor(kit.system.resolve(before[0]?.modules[0]?.module ?? "") as ActorRef, "test");
  await kit.until<FunctionFile>("function_files", isDown);
});

test("a module whose supervisor ends is down until its file is loaded again", async (t) => {
  const { kit, load } = await start(t);
  await load([entry("version")]);
  const [file] = await kit.loader.listFunctions();
  kit.system.killActor(kit.system.resolve(file?.modules[0]?.module ?? "") as ActorRef, "test");
  await kit.until<FunctionFile>("function_files", isDown);
  assert.equal((await kit.call("lib", "version")).response.code, "unavailable");
  const [down] = await kit.loader.listFunctions();
  assert.match(down?.reason ?? "", /test/);
  await load([entry("version")]);
  assert.equal(await kit.result("lib", "version"), "one");
});

test("what goes down with the supervisor of all services comes back", async (t) => {
  const { kit, load } = await start(t);
  await load([entry("version")]);
  const services = kit.system.resolve("services") as ActorRef;
  const [before] = await kit.loader.listFunctions();
  kit.system.killActor(services, "test");
  await kit.until<FunctionFile>("function_files", (files) =>
    [...files.values()].some(
      ({ status, modules }) =>
        status === "running" && modules[0]?.module !== before?.modules[0]?.module,
    ),
  );
  assert.equal(await kit.result("lib", "version"), "one");
});

function isDown(files: ReadonlyMap<string, FunctionFile>): boolean {
  return [...files.values()].some(({ status }) => status === "down");
}
