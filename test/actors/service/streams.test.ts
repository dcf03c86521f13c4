import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ActorRef } from "#runtime";
import { serviceGroup } from "../../../actors/execution/index.ts";
import type { Response } from "../../../actors/request/index.ts";
import { eventually, type LogEntry } from "../../fixtures/running-system.ts";
import { type ServiceKit, startKit } from "./service-kit.ts";
import { StreamClient } from "./stream-client.ts";

const unlimited = 1_000_000_000;

/** A kit with a client that takes streams; `threads: 2` puts it beside the service's thread. */
class Stage {
  readonly kit: ServiceKit;
  readonly client: ActorRef<StreamClient>;
  readonly service: string;
  #requests = 0;

  constructor(kit: ServiceKit, client: ActorRef<StreamClient>, service: string) {
    this.kit = kit;
    this.client = client;
    this.service = service;
  }

  get ask(): ActorRef<StreamClient>["ask"] {
    return this.client.askWith({ timeoutMs: 30_000 });
  }

  /** Opens a stream; the result is its request id. */
  async open(requestType: string, args = {}, room = unlimited): Promise<string> {
    const { id, response } = await this.tryOpen(requestType, args, room);
    assert.equal(response?.result, "init", JSON.stringify(response));
    return id;
  }

  async tryOpen(
    request_type: string,
    args = {},
    room = unlimited,
  ): Promise<{ id: string; response: Response | null }> {
    this.#requests += 1;
    const id = `s${this.#requests}`;
    const payload = { service: this.service, request_type, request_id: id, args };
    return { id, response: await this.ask.open(payload, room) };
  }

  seen(): Promise<{ taken: number; closed: number; aborted: number; left: string }> {
    return this.kit.result(this.service, "seen") as never;
  }

  /** Resolves when the service has seen what the test waits for. */
  async until(holds: (seen: Awaited<ReturnType<Stage["seen"]>>) => boolean): Promise<void> {
    while (!holds(await this.seen())) await new Promise((resolve) => setImmediate(resolve));
  }
}

async function startStage(
  t: TestContext,
  threads: number,
  fixture = "stream-service.ts",
  detailError = false,
  drainMs = 60_000,
): Promise<Stage> {
  const kit = await startKit(t, { threads, executor: { detailError }, loader: { drainMs } });
  const { name } = await kit.load(fixture);
  const producer = kit.system.resolve(`${name}-1`);
  const thread = kit.system.schedulers.find((other) => other !== producer?.thread) ?? 0;
  const args = [{ detailError }] as [{ detailError: boolean }];
  const client = await kit.system.spawn(StreamClient, { thread, concurrency: 1_000, args });
  if (threads > 0) assert.notEqual(client.thread, producer?.thread);
  return new Stage(kit, client, name);
}

const checks: readonly (readonly [string, (at: Stage) => Promise<void>])[] = [
  [
    "all chunks come in order, then the end",
    async (at) => {
      const id = await at.open("count", { to: 1_000 });
      const last = await at.ask.last(id);
      assert.deepEqual(
        await at.ask.chunks(id, 0),
        Array.from({ length: 1_000 }, (_, i) => i + 1),
      );
      const { error, async, success, result, request_id, can_retry, has_more } = last;
      assert.deepEqual([error, async, success, result], [null, true, true, null]);
      assert.deepEqual([request_id, can_retry, has_more], [id, false, false]);
      const total = await at.open("total", { to: 3 });
      assert.deepEqual((await at.ask.last(total)).result, { total: 6 });
      assert.deepEqual(await at.ask.chunks(total, 0), [{ i: 1 }, { i: 2 }, { i: 3 }]);
      const later = await at.open("later", { to: 2 });
      assert.equal((await at.ask.last(later)).success, true);
      assert.deepEqual(await at.ask.chunks(later, 0), [1, 2]);
      const none = await at.open("count", { to: 0 });
      assert.equal((await at.ask.last(none)).result, null);
      assert.deepEqual(await at.ask.chunks(none, 0), []);
      assert.equal(await at.ask.open_streams(), 0);
      assert.equal((await at.seen()).aborted, 0, "a stream that ended by itself was not aborted");
    },
  ],

  [
    "a consumer without room holds the generator at the window",
    async (at) => {
      const id = await at.open("count", { to: 1_000_000 }, 0);
      await at.until(({ taken }) => taken >= 64);
      for (let i = 0; i < 20; i++) await at.seen();
      assert.equal((await at.seen()).taken, 64);
      await at.ask.makeRoom(id, 10);
      await at.ask.chunks(id, 10);
      for (let i = 0; i < 20; i++) await at.seen();
      const { taken } = await at.seen();
      assert.ok(taken <= 74, `${taken} were taken`);
      assert.equal((await at.ask.chunks(id, 0)).length, 10);
      assert.equal(await at.ask.stop(id), true);
      await at.until(({ closed, aborted }) => closed === 1 && aborted === 1);
    },
  ],

  [
    "a stop ends it with cancelled, and closes the generator",
    async (at) => {
      const id = await at.open("count", { to: 1_000_000_000 }, 100);
      await at.ask.chunks(id, 100);
      assert.equal(await at.ask.stop(id), true);
      const { code, success, has_more, async } = await at.ask.last(id);
      assert.deepEqual([code, success, has_more, async], ["cancelled", false, false, false]);
      await at.until(({ closed, aborted }) => closed === 1 && aborted === 1);
      assert.equal(await at.ask.stop(id), false);
      assert.equal(await at.ask.open_streams(), 0);
    },
  ],

  [
    "what goes wrong ends the stream, after what came before",
    async (at) => {
      for (const [kind, code, error] of [
        ["service", "sold_out", "None left"],
        ["error", "internal", "Internal Server Error"],
        ["bigint", "internal", "Internal Server Error"],
        ["hostile", "internal", "Internal Server Error"],
      ]) {
        const id = await at.open("fails", { with: kind });
        const last = await at.ask.last(id);
        assert.deepEqual([last.code, last.error, last.async], [code, error, false]);
        assert.deepEqual(await at.ask.chunks(id, 0), [1, 2, 3]);
      }
      const failed = (): LogEntry[] => at.kit.log.all("stream failed");
      // The answers come another way than the lines.
      while (failed().length < 3) await at.seen();
      assert.equal(failed().length, 3);
      assert.equal(failed()[0]?.fields["error"], "secret detail");
      assert.equal(failed()[0]?.fields["function"], "stream_service.fails");
    },
  ],

  [
    "one that cannot be opened has one Response",
    async (at) => {
      const refused = await at.tryOpen("refuses");
      assert.deepEqual([refused.response?.code, refused.response?.has_more], ["not_today", false]);
      assert.equal((await at.tryOpen("no_iterable")).response?.code, "internal");
      await at.kit.log.first((line) =>
        /what it returned is no iterable/.test(JSON.stringify(line)),
      );
      assert.equal((await at.tryOpen("slow_to_open")).response?.code, "timeout");
      await at.until(({ aborted }) => aborted === 1);
      assert.equal(await at.ask.open_streams(), 0);
    },
  ],

  [
    "a generator that ignores its end is left, and told of",
    async (at) => {
      const id = await at.open("ignores");
      await at.ask.chunks(id, 1);
      await at.ask.stop(id);
      await at.kit.log.entry("stream ignores its end");
    },
  ],

  [
    "a listener that throws takes nobody down",
    async (at) => {
      const before = at.kit.system.resolve("stream_service-1");
      const id = await at.open("throws_in_listener", {}, 1);
      await at.ask.stop(id);
      await at.until(({ closed }) => closed === 1);
      await at.kit.log.entry("an abort listener failed");
      assert.ok(at.kit.system.resolve("stream_service-1")?.equals(before as ActorRef));
      const { response } = await at.kit.call("stream_service", "times_out");
      assert.equal(response.code, "timeout");
      const thrown = (): number => at.kit.log.all("an abort listener failed").length;
      while (thrown() < 2) await at.seen();
      assert.ok(at.kit.system.resolve("stream_service-1")?.equals(before as ActorRef));
    },
  ],

  [
    "a function that pushes waits for room, and hears of the end",
    async (at) => {
      const id = await at.open("pushes", { to: 200 });
      assert.equal((await at.ask.last(id)).result, "done");
      const [info, ...numbers] = await at.ask.chunks(id, 0);
      assert.deepEqual(info, { request_id: id, user_id: "alice", device_id: "phone" });
      assert.equal(numbers.length, 200);
      const held = await at.open("pushes", { to: 1_000_000 }, 0);
      await at.until(({ taken }) => taken === 63);
      for (let i = 0; i < 20; i++) await at.seen();
      assert.equal((await at.seen()).taken, 63, "with the info, 64 are under way");
      await at.ask.stop(held);
      await at.until(({ left }) => left === "cancelled");
      const failed = await at.open("pushes_and_fails");
      assert.equal((await at.ask.last(failed)).code, "sold_out");
      const ticking = await at.open("pushes_later");
      await at.ask.chunks(ticking, 5);
      await at.ask.stop(ticking);
      await at.until(({ aborted }) => aborted === 1);
      const { request_id, ...who } = (await at.kit.result("stream_service", "whoami")) as {
        request_id: string;
      };
      assert.match(request_id, /^req_/);
      assert.deepEqual(who, { user_id: "alice", device_id: "phone" });
    },
  ],
  [
    "a consumer that lets go, or is gone, closes the generators",
    async (at) => {
      await at.open("count", { to: 1_000_000 }, 1);
      await at.open("count", { to: 1_000_000 }, 1);
      await at.ask.closeAll();
      await at.until(({ closed, aborted }) => closed === 2 && aborted === 2);
      await at.open("count", { to: 1_000_000 }, 1);
      at.client.tell.crash();
      await at.until(({ closed, aborted }) => closed === 3 && aborted === 3);
    },
  ],
];

for (const threads of [0, 2]) {
  test(`streams of a service of functions (threads: ${threads})`, async (t) => {
    const at = await startStage(t, threads);
    for (const [name, check] of checks) {
      await t.test(name, async () => {
        await at.kit.result(at.service, "reset");
        await check(at);
      });
    }
  });
  for (const [fixture, service] of [
    ["stream-service.ts", "stream_service"],
    ["stream-actor.ts", "stream_actor"],
  ] as const) {
    const where = `${service}, threads: ${threads}`;

    test(`streams of a replaced service come to their ends (${where})`, async (t) => {
      const at = await startStage(t, threads, fixture);
      const old = at.kit.system.resolve(`${service}-1`) as ActorRef;
      const id = await at.open("count", { to: 1_000 }, 1);
      await at.ask.chunks(id, 1);
      await at.kit.loader.restart(service);
      // Who is being stopped leaves its groups first.
      const members = (): readonly ActorRef[] => at.kit.system.members(serviceGroup(service));
      await eventually("it is stopped", () => !members().some((one) => one.equals(old)));
      await at.ask.makeRoom(id, unlimited);
      const last = await at.ask.last(id);
      assert.deepEqual([last.success, last.code], [true, undefined]);
      assert.equal((await at.ask.chunks(id, 0)).length, 1_000);
      await eventually("it is gone", () => at.kit.system.resolve(`${service}-1`) === undefined);
    });

    test(`one without end has drainMs, then ends with unavailable (${where})`, async (t) => {
      const at = await startStage(t, threads, fixture, false, 1_000);
      const id = await at.open("count", { to: 1_000_000_000 }, 100);
      await at.ask.chunks(id, 100);
      const before = performance.now();
      await at.kit.loader.stop(service);
      assert.ok(performance.now() - before >= 300);
      const last = at.ask.last(id);
      await at.ask.makeRoom(id, unlimited);
      const { code, can_retry } = await last;
      assert.deepEqual([code, can_retry], ["unavailable", true]);
    });
  }

  test(`a service that crashes does not wait for its streams (threads: ${threads})`, async (t) => {
    const at = await startStage(t, threads, "stream-actor.ts", false, 60_000);
    const id = await at.open("count", { to: 1_000_000_000 }, 100);
    await at.ask.chunks(id, 100);
    await at.kit.call("stream_actor", "crash");
    const last = at.ask.last(id);
    await at.ask.makeRoom(id, unlimited);
    assert.equal((await last).code, "unavailable");
  });

  test(`an actor class produces while it is asked other things (threads: ${threads})`, async (t) => {
    const at = await startStage(t, threads, "stream-actor.ts");
    const id = await at.open("count", { to: 1_000 }, 1);
    assert.deepEqual(await at.ask.chunks(id, 1), [{ i: 1, value: 0, keys: 4 }]);
    const added = await at.kit.result("stream_actor", "add", { by: 5 });
    assert.deepEqual(added, { value: 5, user_id: "alice" });
    await at.ask.makeRoom(id, 999);
    assert.equal((await at.ask.last(id)).success, true);
    assert.deepEqual((await at.ask.chunks(id, 0)).at(-1), { i: 1_000, value: 5, keys: 4 });
    const watched = await at.open("watch");
    assert.equal((await at.ask.last(watched)).result, 5);
    const who = { request_id: watched, user_id: "alice", device_id: "phone" };
    assert.deepEqual(await at.ask.chunks(watched, 0), [who]);
    const stopped = await at.open("count", { to: 1_000 }, 1);
    await at.ask.stop(stopped);
    await at.until(({ aborted }) => aborted === 1);
  });
}

test("the timeout of a stream bounds its opening alone", async (t) => {
  const at = await startStage(t, 2);
  const id = await at.open("outlives");
  assert.equal((await at.ask.last(id)).success, true);
  assert.deepEqual(await at.ask.chunks(id, 0), [true, ["Infinity", "Infinity", "false"]]);
});

test("detailError tells the client what went wrong in a stream", async (t) => {
  const at = await startStage(t, 2, "stream-service.ts", true);
  const id = await at.open("fails", { with: "error" });
  assert.equal((await at.ask.last(id)).error, "Internal Server Error: secret detail");
});

test("a producer whose thread dies ends its streams with outcome_unknown", async (t) => {
  const at = await startStage(t, 2);
  const waiting = await at.open("count", { to: 1_000_000 }, 1);
  const id = await at.open("dies");
  assert.equal((await at.ask.last(id)).code, "outcome_unknown");
  assert.deepEqual(await at.ask.chunks(id, 0), [1]);
  const last = at.ask.last(waiting);
  await at.ask.makeRoom(waiting, unlimited);
  assert.equal((await last).code, "outcome_unknown");
  assert.equal((await at.ask.chunks(waiting, 0)).length, 64);
  assert.equal(await at.ask.open_streams(), 0);
});

test("a request id that is in use and the stream too many are refused", async (t) => {
  const at = await startStage(t, 0);
  const payload = {
    ...{ service: "stream_service", request_type: "count" },
    ...{ request_id: "same", args: { to: 1_000 } },
  };
  assert.equal((await at.ask.open(payload, 0))?.result, "init");
  assert.equal((await at.ask.open(payload, 0))?.code, "invalid_request");
  for (let i = 1; i < 1_000; i++) {
    await at.ask.open({ ...payload, request_id: `other${i}` }, 0);
  }
  const refused = await at.ask.open({ ...payload, request_id: "last" }, 0);
  assert.deepEqual([refused?.code, refused?.can_retry], ["queue_full", true]);
  await at.ask.stop("same");
  assert.equal((await at.ask.open({ ...payload, request_id: "last" }, 0))?.result, "init");
});
