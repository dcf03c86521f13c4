import assert from "node:assert/strict";
import { dirname } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import type { ActorRef } from "#runtime";
import { FailedConfigs, failedConfigsName } from "../../../actors/registry/index.ts";
import type { ServiceRecord } from "../../../actors/service/index.ts";
import { type ServiceKit, scratchFolder, startKit } from "./service-kit.ts";

const guarded = (text: string, options: string, thread = "undefined"): string => `
  import { defineService } from "troupe";
  export const mark = (request) => ({ request: { args: { who: "${text} " + request.args.who } } });
  export const shout = (_request, _config, response) => ({ result: response.result.toUpperCase() });
  export default defineService("guarded", {
    greet: {
      argTypes: { who: "string" },
      ${options},
      handler: ({ who }) => "hello " + who,
    },
  }, { thread: ${thread} });`;

for (const threads of [0, 2]) {
  test(`a function's hooks may be its module's own, and change with it (threads: ${threads})`, async (t) => {
    const kit = await startKit(t, { threads });
    const write = scratchFolder(t);
    const options = 'beforeExecute: { function: "mark" }, afterExecute: { function: "shout" }';
    // The client's thread then has nothing but the hooks to import the module for.
    const place = threads === 0 ? "undefined" : '"dedicated"';
    const path = write("guarded.ts", guarded("old", options, place));
    await kit.loader.load(path);
    assert.equal(await kit.result("guarded", "greet", { who: "you" }), "HELLO OLD YOU");
    write("guarded.ts", guarded("new", options, place));
    await kit.loader.load(path);
    assert.equal(await kit.result("guarded", "greet", { who: "you" }), "HELLO NEW YOU");
    const [record] = new Map(kit.system.table<ServiceRecord>("services").entries()).values();
    assert.match(record?.url ?? "", /^file:.*guarded\.ts\?v=\d+$/);
    assert.equal(record?.configs[0]?.beforeExecute?.module, record?.url);
  });
}

const trustedIn = ({ system }: ServiceKit): string[] =>
  Array.from(system.table("trusted_modules").entries(), ([url]) => url).sort();

test("the folder of a service is trusted while it is loaded, what is allowed always", async (t) => {
  const write = scratchFolder(t);
  const elsewhere = scratchFolder(t);
  const urlOf = (path: string): string => pathToFileURL(path).href;
  const file = urlOf(elsewhere("allowed.ts", "export {};"));
  const folder = `${urlOf(dirname(elsewhere("x.ts", "")))}/`;
  const allowModules = [file, folder.slice(0, -1)];
  const kit = await startKit(t, { threads: 0, loader: { allowModules } });
  const always = [file, folder].sort();
  assert.deepEqual(trustedIn(kit), always);
  const one = write("one.ts", guarded("x", "timeout: 300"));
  await kit.loader.load(one);
  const other = guarded("x", "timeout: 300").replace('"guarded"', '"other"');
  await kit.loader.load(write("two.ts", other));
  const all = [...always, `${urlOf(dirname(one))}/`].sort();
  assert.deepEqual(trustedIn(kit), all);
  await kit.loader.stop("guarded");
  assert.deepEqual(trustedIn(kit), all);
  const loader = kit.system.resolve("loader") as ActorRef;
  kit.system.killActor(loader, "test");
  await kit.until<ActorRef>("names", (names) => names.get("loader")?.equals(loader) === false);
  await kit.loader.stop("other");
  assert.deepEqual(trustedIn(kit), always);
});

test("modules that a service may not name are faults of it, and recorded", async (t) => {
  const write = scratchFolder(t);
  const outside = scratchFolder(t)("outside.ts", "export const f = () => 1;");
  const kit = await startKit(t, { threads: 0 });
  await kit.system.spawn(FailedConfigs, { name: failedConfigsName });
  const cases: readonly [options: string, fault: RegExp][] = [
    ['beforeExecute: { function: "gone" }', /beforeExecute: the module exports no function "gone"/],
    [
      'beforeExecute: { module: "./gone.ts", function: "f" }',
      /beforeExecute\.module: .*no such file/,
    ],
    [
      `permissionCallback: { module: "${outside}", function: "f" }`,
      /permissionCallback\.module: .*no trusted folder/,
    ],
    ['nodes: { module: "node:fs", function: "f" }', /nodes\.module: expected an absolute path/],
    ['chooseNodeMode: { module: "./own.ts", function: "eval" }', /the name "eval" is reserved/],
    ["timeout: 1", /timeout: expected/],
  ];
  for (const [options, fault] of cases) {
    await assert.rejects(
      kit.loader.load(write("own.ts", guarded("x", options))),
      (error: Error) => {
        assert.match(
          error.message,
          /own\.ts: the service guarded is invalid:\n {2}guarded\/greet: /,
        );
        assert.match(error.message, fault);
        return true;
      },
    );
  }
  assert.deepEqual(await kit.registry.list(), []);
  assert.deepEqual(trustedIn(kit), []);
  const { ask } = kit.system.resolve(failedConfigsName) as ActorRef<FailedConfigs>;
  const failed = await ask.list({ source: "module", service: "guarded" });
  assert.equal(failed.length, cases.length);
});
