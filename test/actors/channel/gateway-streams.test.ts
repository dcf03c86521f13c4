import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ActorRef } from "#runtime";
import type { ChannelAcceptor } from "../../../actors/channel/index.ts";
import { type GatewayConfig, readConfig } from "../../../actors/gateway/config.ts";
import { parseFlags, startFlags } from "../../../actors/gateway/config-flags.ts";
import { startGateway } from "../../../actors/gateway/tree.ts";
import { startSystem } from "../../fixtures/running-system.ts";
import { Client, request, type WireFrame } from "./client.ts";

/** The gateway as it is, with the services of functions that stream. */
async function startUrl(
  t: TestContext,
): Promise<{ url: string; stop(id: string): Promise<number> }> {
  const { system } = await startSystem(t);
  const folder = new URL("../../fixtures/services", import.meta.url).pathname;
  const argv = ["--port", "0", "--service", "stream-service.ts"];
  const flags = parseFlags(argv, startFlags, []);
  const config: GatewayConfig = await readConfig({ flags, environment: {}, folder }, startFlags);
  const channels = config.channels.map((one) => ({
    ...one,
    event: "api",
    requireVerifiedUserId: false,
  }));
  const { url } = await startGateway(system, { ...config, channels });
  return {
    url: `${url}/websocket?vsn=2.0.0`,
    async stop(id) {
      const acceptors = ["acceptor-1", "acceptor-2"].map(
        (name) => system.resolve(name) as ActorRef<ChannelAcceptor>,
      );
      const stopped = await Promise.all(acceptors.map(({ ask }) => ask.stopStream(id)));
      return stopped.reduce((sum, one) => sum + one);
    },
  };
}

/** The ref and the payload of a frame. */
type Said = readonly [string | null, Record<string, unknown>];

/** A client that calls functions of the service. */
class Caller {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  call(type: string, id: string, args: Record<string, unknown> = {}): void {
    const payload = { ...request(type, id, args), service: "stream_service" };
    this.client.send(["1", `ref ${id}`, "api:lobby", "api", payload]);
  }

  /** The payloads of so many frames, each `[ref, payload]`. */
  async take(count: number): Promise<Said[]> {
    const frames: WireFrame[] = await this.client.take(count);
    return frames.map(([, ref, , , payload]) => [ref, payload as Record<string, unknown>]);
  }

  async next(): Promise<Said> {
    return (await this.take(1))[0] as Said;
  }

  /** All Responses up to the final one. */
  async responses(): Promise<Record<string, unknown>[]> {
    const taken: Record<string, unknown>[] = [];
    for (;;) {
      const [ref, payload] = await this.next();
      if (ref !== null) continue;
      taken.push(payload);
      if (payload["has_more"] === false) return taken;
    }
  }
}

test("each response type through the whole gateway", async (t) => {
  const { url, stop } = await startUrl(t);
  const client = await new Client(url).open();
  await client.join("api:lobby");
  const caller = new Caller(client);
  const base = { error: null, success: true, can_retry: false };

  await t.test("async: acknowledged, answered, then the Response", async () => {
    caller.call("hello_async", "r3");
    const shape = { ...base, request_id: "r3", has_more: false };
    assert.deepEqual(await caller.take(3), [
      [null, { ...shape, async: true, result: null }],
      ["ref r3", { status: "ok", response: "hello_async" }],
      [null, { ...shape, async: false, result: "hello" }],
    ]);
    caller.call("fails_async", "r19");
    assert.equal((await caller.next())[1]["async"], true);
    assert.deepEqual(await caller.next(), [
      ...["ref r19", { status: "ok", response: "fails_async" }],
    ]);
    assert.equal((await caller.next())[1]["code"], "sold_out");
  });

  await t.test("none: the reply alone", async () => {
    caller.call("nothing", "r4");
    assert.deepEqual(await caller.take(1), [["ref r4", { status: "ok", response: "nothing" }]]);
    caller.call("nothing", "r4", { x: 1 });
    const [ref, refusal] = await caller.next();
    assert.deepEqual([ref, refusal["status"]], ["ref r4", "error"]);
    // Had anything been pushed, it would come before this.
    assert.match(String((await client.heartbeat())[1]), /^hb/);
  });

  await t.test("stream: opened, answered, the chunks, the end", async () => {
    caller.call("total", "r5", { to: 2 });
    const shape = { ...base, request_id: "r5", async: true, has_more: true };
    assert.deepEqual(await caller.take(5), [
      [null, { ...shape, result: "init" }],
      ["ref r5", { status: "ok", response: "total" }],
      [null, { ...shape, result: { i: 1 } }],
      [null, { ...shape, result: { i: 2 } }],
      [null, { ...shape, result: { total: 3 }, has_more: false }],
    ]);
    caller.call("count", "r6", { to: 0 });
    assert.deepEqual((await caller.responses()).at(-1), {
      ...{ ...shape, request_id: "r6", result: null, has_more: false },
    });
    caller.call("fails", "r7", { with: "error" });
    const failed = await caller.responses();
    assert.equal(failed.length, 5);
    const { async, success, error, code } = failed.at(-1) ?? {};
    assert.deepEqual(
      [async, success, error, code],
      [...[false, false, "Internal Server Error", "internal"]],
    );
  });

  await t.test("10,000 chunks come in order", async () => {
    caller.call("count", "many", { to: 10_000 });
    const taken = (await caller.responses()).map(({ result }) => result);
    assert.deepEqual(taken, ["init", ...Array.from({ length: 10_000 }, (_, i) => i + 1), null]);
  });

  await t.test("a stream is stopped by its client, and by an operator", async () => {
    caller.call("count", "endless", { to: 1_000_000_000 });
    await caller.take(100);
    client.send(["1", "stop", "api:lobby", "stop_stream", { request_id: "endless" }]);
    assert.equal((await caller.responses()).at(-1)?.["code"], "cancelled");
    assert.deepEqual(await caller.take(1), [
      ["stop", { status: "ok", response: { status: "stopped" } }],
    ]);
    caller.call("count", "endless", { to: 1_000_000_000 });
    await caller.take(100);
    assert.equal(await stop("endless"), 1);
    assert.equal((await caller.responses()).at(-1)?.["code"], "cancelled");
  });

  await t.test("a stream of a client that disconnects is closed", async () => {
    const other = await new Client(url).open();
    await other.join("api:lobby");
    const leaving = new Caller(other);
    caller.call("reset", "reset");
    await caller.take(2);
    leaving.call("count", "endless", { to: 1_000_000_000 });
    await leaving.take(100);
    other.ws.terminate();
    let closed: unknown = 0;
    for (let i = 0; closed !== 1; i++) {
      caller.call("seen", `seen${i}`);
      const [, answer] = await caller.next();
      await caller.next();
      closed = (answer["result"] as { closed: number }).closed;
    }
  });
});
