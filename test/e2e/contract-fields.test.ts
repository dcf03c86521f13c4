import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import { FUN_CONFIG_FIELDS, type FunConfig } from "../../actors/registry/fun-config-schema.ts";
import { type Loader, loaderName } from "../../actors/service/index.ts";
import { eventually } from "./deadline.ts";
import { fileScope, fixture } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

// CONTRACT, section 3: each field of a FunConfig does something that a client can see, in both of
// its spellings, from a JSON file of functions.

/** The function under test: its service, and its type, which is the field's name. */
interface Subject {
  readonly service: string;
  readonly type: string;
  readonly lobby: Lobby;
  call(args?: object, more?: object): Promise<Answer>;
}

interface Scenario {
  /** Beside its names; without any it is `echo` of the fixture. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What a client sees of it. */
  readonly see: (subject: Subject) => Promise<unknown>;
  readonly expected: unknown;
  /** False: without the field there is no function, or it takes its time. */
  readonly hasControl?: false;
}

const own = (name: string): object => ({ mfa: { module: "fields_service", function: name } });
const plain = (name: string, ...args: unknown[]): object => ({
  mfa: { module: fixture("plain-functions.ts"), function: name, args },
});
const hook = (name: string): object => ({ module: fixture("fields-service.ts"), function: name });

const echoed = async ({ call }: Subject): Promise<unknown> =>
  (await call({ message: "hi" }))["result"];
const refused = async ({ call }: Subject): Promise<unknown> =>
  (await call({ message: "hi" }))["code"];

/** Whether it runs on the thread of its service's instance. */
async function isWithInstance({ lobby, call }: Subject): Promise<boolean> {
  const there = await lobby.call("fields_service", "thread");
  return (await call())["result"] === there["result"];
}

/** The code of a call that never ends by itself; whether it was given up before the default time. */
async function givenUp({ call }: Subject): Promise<unknown> {
  const startedAt = performance.now();
  const { code } = await call();
  return [code, performance.now() - startedAt < 4_500];
}

/** Two calls at once: how many run, and what the second is told if it is refused. */
async function seeTwo({ service, type, lobby }: Subject): Promise<unknown> {
  const other = await Lobby.join(scope, stage.url, { inline: true });
  const keys = ["a", "b"].map((key) => `${service} ${type} ${key}`);
  const held = async (): Promise<readonly string[]> => {
    const all = (await lobby.call("fields_service", "held"))["result"] as string[];
    return all.filter((key) => keys.includes(key));
  };
  const [first, second] = keys as [string, string];
  other.begin(service, type, { key: first });
  await eventually(held, (now) => now.includes(first), "the first runs");
  other.begin(service, type, { key: second });
  const frames = [...(await other.client.rest())];
  for (let i = 0; i < 10; i++) await held();
  frames.push(...(await other.client.rest()));
  const [refusal] = frames.map(([, , , , payload]) => (payload as { response: Answer }).response);
  const seen = [(await held()).length, refusal?.["code"] ?? null];
  await lobby.call("fields_service", "release", { key: first });
  if (refusal === undefined) {
    await eventually(held, (now) => now.includes(second), "the second runs");
    await lobby.call("fields_service", "release", { key: second });
  }
  return seen;
}

const folder = mkdtempSync(join(tmpdir(), "troupe-fields-"));

const scenarios: Readonly<Record<keyof FunConfig, Scenario>> = {
  service: { fields: {}, see: echoed, expected: "hi", hasControl: false },
  requestType: { fields: {}, see: echoed, expected: "hi", hasControl: false },
  version: {
    fields: { version: "1.2.0" },
    see: async ({ call }) => (await call({ message: "hi" }, { version: "1.2.0" }))["result"],
    expected: "hi",
  },
  disabled: { fields: { disabled: true }, see: refused, expected: "disabled_function" },
  nodes: { fields: { nodes: hook("noNodes") }, see: refused, expected: "unavailable" },
  chooseNodeMode: {
    fields: {
      ...{ argTypes: { n: "num" }, chooseNodeMode: hook("nth") },
      mfa: { module: "thread_service", function: "thread" },
    },
    async see({ call }) {
      const threads: unknown[] = [];
      for (const n of [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]) threads.push((await call({ n }))["result"]);
      const of = (n: number): number => new Set(threads.filter((_, index) => index % 2 === n)).size;
      return [of(0), of(1), threads[0] === threads[1]];
    },
    expected: [1, 1, false],
    // At random it may well look the same.
    hasControl: false,
  },
  timeout: {
    fields: { ...own("never"), argTypes: null, timeout: 100 },
    see: givenUp,
    expected: ["timeout", true],
    hasControl: false,
  },
  mfa: {
    fields: { ...plain("join", "first"), argTypes: { message: "any" }, argOrders: ["message"] },
    see: echoed,
    expected: "first-hi",
    hasControl: false,
  },
  argTypes: {
    fields: { argTypes: { message: { type: "string", maxBytes: 1 } } },
    see: refused,
    expected: "invalid_arguments",
    hasControl: false,
  },
  argOrders: {
    fields: { ...plain("join"), argTypes: { a: "any", b: "any" }, argOrders: ["b", "a"] },
    see: async ({ call }) => (await call({ a: 1, b: 2 }))["result"],
    expected: "2-1",
    hasControl: false,
  },
  responseType: {
    fields: { responseType: "async" },
    async see({ call, lobby }) {
      const first = await call({ message: "hi" });
      return first["async"] === true && (await lobby.next())["result"];
    },
    expected: "hi",
  },
  executor: {
    fields: { ...own("thread"), argTypes: null, executor: "pool" },
    see: isWithInstance,
    expected: false,
  },
  cpu: {
    fields: { ...own("thread"), argTypes: null, cpu: true },
    see: isWithInstance,
    expected: false,
  },
  checkPermission: {
    fields: { checkPermission: { role: ["admin"] } },
    see: refused,
    expected: "permission_denied",
  },
  permissionCallback: {
    fields: { permissionCallback: hook("isOpen") },
    see: async ({ call }) => [
      (await call({ message: "open" }))["result"],
      (await call({ message: "closed" }))["code"],
    ],
    expected: ["open", "permission_denied"],
  },
  beforeExecute: {
    fields: { beforeExecute: hook("refuse") },
    see: async ({ call }) => (await call({ message: "hi" }))["error"],
    expected: "not by the hook",
  },
  afterExecute: {
    fields: { afterExecute: hook("wrap") },
    see: echoed,
    expected: { wrapped: "hi" },
  },
  hookTimeout: {
    fields: { beforeExecute: hook("hang"), hookTimeout: 50 },
    see: givenUp,
    expected: ["hook_rejected", true],
    hasControl: false,
  },
  retry: {
    fields: { ...own("fails_once"), argTypes: { key: "string" }, retry: { sameNode: 1 } },
    see: async ({ call, service }) => (await call({ key: service }))["result"],
    expected: "done",
  },
  idempotent: {
    fields: {
      ...{ mfa: { module: "doomed_service", function: "die_once" }, idempotent: true },
      argTypes: { marker: "string" },
    },
    see: async ({ call, service }) => (await call({ marker: join(folder, service) }))["result"],
    expected: "alive",
    hasControl: false,
  },
  requestInfo: {
    fields: { ...plain("told"), argTypes: null, argOrders: [], requestInfo: true },
    async see({ call }) {
      const { result, request_id } = await call();
      const [info] = result as [Answer];
      return { ...info, request_id: info["request_id"] === request_id };
    },
    expected: { request_id: true, user_id: "alice", device_id: null },
    hasControl: false,
  },
  maxConcurrent: {
    fields: { ...own("hold"), argTypes: { key: "string" }, maxConcurrent: 1 },
    see: seeTwo,
    expected: [1, null],
  },
  maxQueue: {
    fields: { ...own("hold"), argTypes: { key: "string" }, maxConcurrent: 1, maxQueue: 0 },
    see: seeTwo,
    expected: [1, "queue_full"],
  },
};

const names = Object.keys(scenarios) as (keyof FunConfig)[];

function toSnake(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSnake);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([field, inner]) => [
    field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    toSnake(inner),
  ]);
  return Object.fromEntries(entries);
}

/** The entry of a field's function in a service; in that of the controls without the field. */
function entryOf(name: keyof FunConfig, service: string): Record<string, unknown> {
  const { fields } = scenarios[name];
  const base = { ...own("echo"), argTypes: { message: "any" } };
  const { [name]: field, ...others } = fields;
  const given = service === "fields_control" ? others : { ...others, [name]: field };
  return { ...base, ...given, service, requestType: name };
}

const scope = fileScope();
scope.after(() => rmSync(folder, { recursive: true }));
const stage = await startStage(scope, {
  services: ["fields-service.ts", "thread-service.ts", "doomed-service.ts"],
});

async function load(service: string, entries: readonly unknown[]): Promise<void> {
  const path = join(folder, `${service}.json`);
  writeFileSync(path, JSON.stringify(entries));
  await (stage.system.resolve(loaderName) as ActorRef<Loader>).ask.loadFunctions(path);
}

async function see(lobby: Lobby, service: string, type: keyof FunConfig): Promise<unknown> {
  const call: Subject["call"] = (args, more) => lobby.call(service, type, args, more);
  return scenarios[type].see({ service, type, lobby, call });
}

await load(
  "fields_camel",
  names.map((name) => entryOf(name, "fields_camel")),
);
await load(
  "fields_snake",
  names.map((name) => toSnake(entryOf(name, "fields_snake"))),
);
const controlled = names.filter((name) => scenarios[name].hasControl !== false);
await load(
  "fields_control",
  controlled.map((name) => entryOf(name, "fields_control")),
);

describe("a field of a FunConfig", () => {
  it("has a scenario here, whichever it is", () => {
    assert.deepEqual([...names].sort(), Object.keys(FUN_CONFIG_FIELDS).sort());
  });

  for (const name of names) {
    for (const service of ["fields_camel", "fields_snake"]) {
      it(`does what it says: ${name}, in ${service}`, async (t) => {
        const lobby = await Lobby.join(t, stage.url);
        assert.deepEqual(await see(lobby, service, name), scenarios[name].expected);
      });
    }
  }

  for (const name of controlled) {
    it(`does nothing where it is absent: ${name}`, async (t) => {
      const lobby = await Lobby.join(t, stage.url);
      assert.notDeepEqual(await see(lobby, "fields_control", name), scenarios[name].expected);
    });
  }
});
