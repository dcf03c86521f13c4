import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActorRef } from "#runtime";
import type { ServiceRecord } from "../../../actors/service/index.ts";
import { eventually } from "../../fixtures/running-system.ts";
import { fixturePath, type ServiceKit, scratchFolder, startKit } from "./service-kit.ts";

/** Nothing of what failed to load is to be found anywhere. */
async function assertNothingLoaded({ system, loader, registry }: ServiceKit): Promise<void> {
  assert.deepEqual(await loader.list(), []);
  assert.deepEqual(await registry.list(), []);
  const others = ["root", "registry", "services"];
  // The names hear of an end by a message, which may have its turn after the answer to the loading.
  await eventually("all names are free", () => {
    const names = system.names().filter((name) => !others.includes(name));
    return names.sort().join() === "client,loader";
  });
}

const greeter = (text: string): string => `
  import { defineService } from "troupe";
  import Type from "typebox";
  export default defineService("greeter", {
    greet: { args: Type.Object({ name: Type.String() }), handler: ({ name }) => "${text} " + name },
  });
`;

for (const threads of [0, 2]) {
  test(`a module becomes callable functions (threads: ${threads})`, async (t) => {
    const kit = await startKit(t, { threads });
    const path = scratchFolder(t)("greeter.ts", greeter("Hello"));
    const info = await kit.loader.load(path);
    assert.equal(info.name, "greeter");
    assert.deepEqual(info.functions, ["greet"]);
    assert.deepEqual(info.instances, ["greeter-1"]);
    assert.equal(info.status, "running");
    assert.equal(await kit.result("greeter", "greet", { name: "you" }), "Hello you");
    assert.deepEqual(await kit.loader.list(), [info]);
    await kit.loader.stop("greeter");
    const { response } = await kit.call("greeter", "greet", { name: "you" });
    assert.equal(response.code, "unsupported_function");
    await assertNothingLoaded(kit);
  });
}

test("what is wrong with a module is one error with file and reason", async (t) => {
  const kit = await startKit(t);
  const write = scratchFolder(t);
  const cases: readonly [name: string, text: string, code: string, message: RegExp][] = [
    ["none.ts", "export const x: number = 1;", "invalid_service", /none\.ts: .*no default export/],
    ["other.ts", "export default 42;", "invalid_service", /other\.ts: .*neither .* number/],
    ["bad.ts", "export default {\n  a: ;\n};", "load_failed", /bad\.ts:2: SyntaxError/],
    ["bad.js", "export default {\n  a: 1,\n  b: = 2,\n};", "load_failed", /bad\.js:3: SyntaxError/],
    ["boom.ts", "\n\nthrow new Error('boom');\n", "load_failed", /boom\.ts:3: Error: boom/],
    ["lost.ts", 'import "./not-here.ts";', "load_failed", /lost\.ts: .*not-here\.ts/],
    [
      "plain-class.ts",
      'import { Actor } from "troupe"; export default class Lonely extends Actor {}',
      "invalid_service",
      /plain-class\.ts: the class Lonely has no/,
    ],
    [
      "name.ts",
      'import { defineService } from "troupe"; export default defineService("", {});',
      "load_failed",
      /name\.ts:1: TypeError: defineService: expected a name, received ""/,
    ],
    [
      "empty.ts",
      'import { defineService } from "troupe"; export default defineService("empty", {});',
      "invalid_service",
      /empty\.ts: .*\n {2}expected at least one function/,
    ],
    [
      "method.ts",
      `import { Actor, serviceOf } from "troupe";
       export default class Odd extends Actor { static service = serviceOf("odd", { gone: {} }); }`,
      "invalid_service",
      /method\.ts: .*\n {2}odd\/gone: the class has no public method "gone"/,
    ],
    [
      "start.ts",
      `import { Actor, serviceOf } from "troupe";
       export default class Odd extends Actor {
         static service = serviceOf("odd", { go: {} }, { instances: 2 });
         init() { throw new Error("no database"); }
         go() {}
       }`,
      "start_failed",
      /start\.ts: .*no database/,
    ],
  ];
  for (const [name, text, code, message] of cases) {
    await assert.rejects(kit.loader.load(write(name, text)), (error: Error & { code: string }) => {
      assert.equal(error.code, code, `${name}: ${error.message}`);
      assert.match(error.message, message);
      return true;
    });
    await assertNothingLoaded(kit);
  }
  const missing = kit.loader.load("./no-such-service.ts");
  await assert.rejects(missing, { code: "no_such_file", message: /no-such-service\.ts: there is/ });
  await assert.rejects(kit.loader.load("http://x/y.ts"), { code: "load_failed" });
});

test("all faults of all functions and options are told at once", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const path = scratchFolder(t)(
    "many.ts",
    `import { defineFunction, defineService } from "troupe";
     export default defineService("many", {
       slow: { timeout: 5, handler: () => 1 },
       odd: { version: "one", colour: "red", handler: () => 1 },
       none: { version: "1.0.0" },
       twice: [{ handler: () => 1 }, { handler: () => 2 }],
       init: () => 1,
     } as never, { instances: 0, speed: 9 } as never);`,
  );
  await assert.rejects(kit.loader.load(path), ({ message }: Error) => {
    for (const fault of [
      "many/slow: timeout: expected",
      "many/odd@one: version: expected",
      "many/odd@one: colour: unknown field",
      "many/none: handler: expected a function, received undefined",
      "many/twice: defined twice",
      'many/init: the name "init" belongs to the life of an actor',
      "options.instances: expected",
      'options: unknown field "speed"',
    ]) {
      assert.ok(message.includes(`\n  ${fault}`), `${fault} is missing in ${message}`);
    }
    return true;
  });
  await assertNothingLoaded(kit);
});

test("a service is loaded from one file only", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const write = scratchFolder(t);
  const first = write("one.ts", greeter("First"));
  const second = write("two.ts", greeter("Second"));
  await kit.loader.load(first);
  await assert.rejects(kit.loader.load(second), {
    code: "duplicate_service",
    message: `${second}: the service greeter is loaded from ${first}; stop it first`,
  });
  assert.equal(await kit.result("greeter", "greet", { name: "x" }), "First x");
});

test("a faulty change leaves the running service as it is", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const write = scratchFolder(t);
  const path = write("greeter.ts", greeter("Old"));
  const before = await kit.loader.load(path);
  write("greeter.ts", greeter("New").replace("Type.Object", "5 + Type.Object"));
  await assert.rejects(kit.loader.load(path));
  write("greeter.ts", "export default ;");
  await assert.rejects(kit.loader.load(path), { code: "load_failed" });
  assert.equal(await kit.result("greeter", "greet", { name: "x" }), "Old x");
  assert.deepEqual(await kit.loader.list(), [before]);
  write("greeter.ts", greeter("New"));
  await kit.loader.load(path);
  assert.equal(await kit.result("greeter", "greet", { name: "x" }), "New x");
});

test("a changed module replaces the running one under load, and no call fails", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  const write = scratchFolder(t);
  const path = write("greeter.ts", greeter("v0"));
  await kit.loader.load(path);
  let isOver = false;
  const failures: unknown[] = [];
  const results = new Set<unknown>();
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const { response } = await kit.call("greeter", "greet", { name: "x" });
      if (response.success) results.add(response.result);
      else failures.push(response);
    }
  };
  const callers = Array.from({ length: 8 }, caller);
  for (const version of ["v1", "v2", "v3"]) {
    write("greeter.ts", greeter(version));
    await kit.loader.load(path);
    // A new call gets the new code at once, and the old instances end.
    await kit.until("names", (names) => [...names.keys()].filter(isGreeter).length === 2);
    assert.equal(await kit.result("greeter", "greet", { name: "x" }), `${version} x`);
  }
  isOver = true;
  await Promise.all(callers);
  assert.deepEqual(failures, []);
  assert.deepEqual(results, new Set(["v0 x", "v1 x", "v2 x", "v3 x"]));
});

function isGreeter(name: string): boolean {
  return name.startsWith("greeter");
}

test("a call in flight outlives the replacement and the stop of its service", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const gates = new Map<string, () => void>();
  Reflect.set(globalThis, "troupeTestGates", gates);
  t.after(() => Reflect.deleteProperty(globalThis, "troupeTestGates"));
  const write = scratchFolder(t);
  const held = (text: string): string => `
    import { defineService } from "troupe";
    export default defineService("held", {
      wait: () => new Promise((resolve) => {
        globalThis.troupeTestGates.set("${text}", () => resolve("${text}"));
        globalThis.troupeTestGates.get("arrived")?.();
      }),
    });`;
  const arrival = (): Promise<void> => new Promise((resolve) => gates.set("arrived", resolve));
  const path = write("held.ts", held("old"));
  await kit.loader.load(path);
  let arrived = arrival();
  const old = kit.call("held", "wait");
  await arrived;
  write("held.ts", held("new"));
  await kit.loader.load(path);
  arrived = arrival();
  const young = kit.call("held", "wait");
  await arrived;
  gates.get("old")?.();
  assert.equal((await old).response.result, "old");
  const stopped = kit.loader.stop("held");
  await kit.until("registry", (entries) => entries.size === 0);
  gates.get("new")?.();
  assert.equal((await young).response.result, "new");
  await stopped;
});

test("a service that keeps crashing goes down alone, and restart brings it back", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  await kit.load("counter-service.ts");
  await kit.load("faulty-service.ts");
  const isDown = (services: ReadonlyMap<string, ServiceRecord>): boolean =>
    services.get("counter_service")?.status === "down";
  const down = kit.until("services", isDown);
  const crashing = async (): Promise<void> => {
    while (!isDown(new Map(kit.system.table<ServiceRecord>("services").entries()))) {
      const { response } = await kit.call("counter_service", "crash");
      assert.ok(["internal", "unavailable"].includes(response.code ?? ""));
    }
  };
  await Promise.all([down, crashing()]);
  assert.equal((await kit.call("counter_service", "value")).response.code, "unavailable");
  assert.equal(await kit.result("faulty_service", "fine"), "fine");
  const [record] = (await kit.loader.list()).filter(({ name }) => name === "counter_service");
  assert.match(record?.reason ?? "", /intensity/);
  await kit.loader.restart("counter_service");
  assert.equal(await kit.result("counter_service", "value"), 0);
  await assert.rejects(kit.loader.restart("nobody"), { code: "no_service" });
});

test("a loader that is restarted goes on from its table, and ends what nobody knows", async (t) => {
  const kit = await startKit(t, { threads: 2, loader: { handoverMs: 600_000 } });
  const write = scratchFolder(t);
  const path = write("greeter.ts", greeter("Hello"));
  await kit.loader.load(path);
  // The replaced instances wait for a handover that the loader will not live to end.
  await kit.loader.load(path);
  const before = await kit.loader.list();
  const loader = kit.system.resolve("loader") as ActorRef;
  kit.system.killActor(loader, "test");
  await kit.until<ActorRef>("names", (names) => {
    const isNew = names.get("loader")?.equals(loader) === false;
    return isNew && [...names.keys()].filter(isGreeter).length === 2;
  });
  assert.deepEqual(await kit.loader.list(), before);
  assert.equal(await kit.result("greeter", "greet", { name: "x" }), "Hello x");
  const { module } = await kit.loader.load(path);
  assert.equal(module, "greeter@3");
  await kit.loader.stop("greeter");
  assert.equal((await kit.call("greeter", "greet")).response.code, "unsupported_function");
});

test("per-thread instances and positions: one on each scheduler, or as many as said", async (t) => {
  const kit = await startKit(t, { threads: 2 });
  const info = await kit.loader.load("actors/examples/echo-service.ts");
  assert.deepEqual(info.instances, ["echo_service-1", "echo_service-2"]);
  const threads = info.instances.map((name) => kit.system.resolve(name)?.thread);
  assert.deepEqual(threads, kit.system.schedulers);
  assert.equal(await kit.result("echo_service", "echo", { message: "hi" }), "hi");
});

test("the path of a module is taken from the working directory, or is a file URL", async (t) => {
  const kit = await startKit(t, { threads: 0 });
  const path = fixturePath("faulty-service.ts");
  const { source } = await kit.loader.load(new URL(`file://${path}`).href);
  assert.equal(source, new URL(`file://${path}`).href);
});
