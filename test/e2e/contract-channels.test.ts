import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import type { Acceptor } from "../../actors/gateway/acceptor.ts";
import { eventually } from "./deadline.ts";
import { fileScope } from "./gateway-process.ts";
import { startStage } from "./gateway-stage.ts";
import { type Answer, Lobby } from "./lobby.ts";

// CONTRACT, section 2: who calls, what a channel's options do, and the ends of streams.

const service = "contract_service";
const stage = await startStage(fileScope(), {
  services: ["contract-service.ts"],
  channels: [
    { topic: "api:*", event: "api" },
    { topic: "ordered:*", event: "api", ordered: true },
    { topic: "narrow:*", event: "api", maxInFlight: 2 },
    { topic: "believing:*", event: "api", overrideUserId: false, requireVerifiedUserId: false },
    { topic: "plain:*" },
  ],
});
const { url, system } = stage;

describe("who calls", () => {
  const alice = { userId: "alice", userRoles: ["editor"], deviceId: "phone" };
  const query = "user_id=alice&user_roles=editor&device_id=phone";
  const claims = { user_id: "mallory", user_roles: ["admin"], device_id: "watch" };

  it("comes from the socket, but for the device", async (t) => {
    const lobby = await Lobby.join(t, url, { query });
    assert.deepEqual((await lobby.call(service, "whoami"))["result"], alice);
    const { result } = await lobby.call(service, "whoami", {}, claims);
    assert.deepEqual(result, { ...alice, deviceId: "watch" });
    const denied = await lobby.call(service, "sync_denied", { n: 1 }, claims);
    assert.equal(denied["code"], "permission_denied");
  });

  it("comes from the payload where the channel believes it", async (t) => {
    const lobby = await Lobby.join(t, url, { query, topic: "believing:1" });
    const { result } = await lobby.call(service, "whoami", {}, claims);
    assert.deepEqual(result, { userId: "mallory", userRoles: ["admin"], deviceId: "watch" });
    assert.deepEqual((await lobby.call(service, "whoami"))["result"], alice);
    const done = await lobby.call(service, "sync_denied", { n: 1 }, claims);
    assert.equal(done["result"], "done");
    const nobody = await Lobby.join(t, url, { query: "", topic: "believing:1" });
    const told = await nobody.call(service, "whoami", {}, { user_id: 7, user_roles: "admin" });
    assert.deepEqual(told["result"], { userId: null, userRoles: [], deviceId: null });
  });

  it("has to be known where a channel does not say", async (t) => {
    const event = "phoenix_gen_api";
    const nobody = await Lobby.join(t, url, { query: "", topic: "plain:1", event });
    const { responses, status, reply } = await nobody.ask(service, "echo", { message: "hi" });
    assert.deepEqual([status, reply], ["error", "Authentication required"]);
    assert.equal(responses[0]?.["code"], "authentication_required");
    const known = await Lobby.join(t, url, { topic: "plain:1", event });
    assert.equal((await known.call(service, "echo", { message: "hi" }))["result"], "hi");
    const { reply: unknown } = await known.push({}, "api");
    assert.deepEqual(unknown, { reason: "unknown event" });
  });
});

describe("a request that is malformed", () => {
  for (const [payload, message] of [
    [{ service: "x" }, "Missing required fields: request_type, request_id"],
    [{ service: "", request_type: null, request_id: "" }, "Missing required fields: "],
    [{ service: "x", request_type: "y", request_id: "z", args: "a" }, 'expected a map, got: "a"'],
    [[1], "expected a map, got: [1]"],
    ["text", 'expected a map, got: "text"'],
    [null, "expected a map, got: null"],
  ] as const) {
    it(`is answered with what was expected: ${JSON.stringify(payload)}`, async (t) => {
      const lobby = await Lobby.join(t, url);
      const { responses, status, reply } = await lobby.push(payload);
      assert.equal(status, "error");
      assert.ok(String(reply).startsWith(message), String(reply));
      assert.equal(responses.length, 1);
      const { request_id, error, code } = responses[0] as Answer;
      assert.deepEqual([error, code], [`Invalid request: ${reply}`, "invalid_request"]);
      const isKnown = "z" === (payload as { request_id?: string } | null)?.request_id;
      assert.equal(request_id, isKnown ? "z" : "unknown");
    });
  }
});

describe("requests of one channel", () => {
  const hold = (lobby: Lobby, key: string): string => lobby.begin(service, "hold", { key });
  /** Resolves when so many functions are held. */
  const holds = async (other: Lobby, count: number): Promise<void> => {
    const look = async (): Promise<unknown> => (await other.call(service, "seen"))["result"];
    const isHeld = (seen: unknown): boolean => (seen as { held: number }).held === count;
    await eventually(look, isHeld, `${count} calls are held`);
  };
  const release = (other: Lobby, key: string): Promise<Answer> =>
    other.call(service, "release", { key });
  const refsOf = async (lobby: Lobby, count: number): Promise<(string | null)[]> =>
    (await lobby.client.take(count)).map(([, ref]) => ref);

  it("run at the same time", async (t) => {
    const [lobby, other] = [await Lobby.join(t, url, { inline: true }), await Lobby.join(t, url)];
    const first = hold(lobby, "a");
    const second = lobby.begin(service, "echo", { message: "b" });
    assert.deepEqual(await refsOf(lobby, 1), [second]);
    await holds(other, 1);
    await release(other, "a");
    assert.deepEqual(await refsOf(lobby, 1), [first]);
  });

  it("run one at a time, in order, where the channel says so", async (t) => {
    const lobby = await Lobby.join(t, url, { inline: true, topic: "ordered:1" });
    const other = await Lobby.join(t, url);
    const refs = [hold(lobby, "a"), hold(lobby, "b"), lobby.begin(service, "echo", { message: 1 })];
    await holds(other, 1);
    assert.deepEqual(await lobby.client.rest(), []);
    await release(other, "a");
    assert.deepEqual(await refsOf(lobby, 1), [refs[0]]);
    await holds(other, 1);
    assert.deepEqual(await lobby.client.rest(), []);
    await release(other, "b");
    assert.deepEqual(await refsOf(lobby, 2), refs.slice(1));
  });

  it("are at most maxInFlight; then the socket is not read, heartbeats neither", async (t) => {
    const lobby = await Lobby.join(t, url, { inline: true, topic: "narrow:1" });
    const other = await Lobby.join(t, url);
    const refs = ["a", "b", "c"].map((key) => hold(lobby, key));
    await holds(other, 2);
    lobby.client.send([null, "beat", "phoenix", "heartbeat", {}]);
    // Word of it could have come by now.
    for (let i = 0; i < 20; i++) await other.call(service, "echo", { message: i });
    await release(other, "a");
    await holds(other, 2);
    await release(other, "b");
    await release(other, "c");
    const got = await refsOf(lobby, 4);
    assert.equal(got[0], refs[0]);
    assert.deepEqual([...got].sort(), [...refs, "beat"].sort());
  });
});

describe("a stream without end", () => {
  const counts = async (other: Lobby): Promise<Record<string, number>> =>
    (await other.call(service, "seen"))["result"] as Record<string, number>;

  /** Opens one, ends it with `act`, and resolves when its generator is closed. */
  async function closes(
    lobby: Lobby,
    other: Lobby,
    act: (requestId: string) => Promise<unknown> | unknown,
  ): Promise<void> {
    const before = await counts(other);
    const opened = await lobby.call(service, "ticks");
    assert.deepEqual([opened["result"], opened["has_more"]], ["init", true]);
    await lobby.next();
    await act(String(opened["request_id"]));
    const isClosed = (now: Record<string, number>): boolean =>
      now["closed"] === (before["closed"] ?? 0) + 1;
    const now = await eventually(() => counts(other), isClosed, "the generator is closed");
    assert.deepEqual(
      [now["opened"], now["aborted"]],
      [(before["opened"] ?? 0) + 1, (before["aborted"] ?? 0) + 1],
    );
  }

  /** Takes what is left of the stream; its final Response. */
  async function lastOf(lobby: Lobby): Promise<Answer> {
    for (;;) {
      const answer = await lobby.next();
      if (answer["has_more"] === false) return answer;
    }
  }

  for (const inline of [false, true]) {
    it(`is stopped by its client (inline: ${inline})`, async (t) => {
      const [lobby, other] = [await Lobby.join(t, url, { inline }), await Lobby.join(t, url)];
      await closes(lobby, other, async (request_id) => {
        const { responses, status, reply } = await lobby.push({ request_id }, "stop_stream");
        assert.deepEqual([status, reply], ["ok", { status: "stopped" }]);
        const last = responses.at(-1) as Answer;
        assert.deepEqual(
          [last["code"], last["success"], last["has_more"], last["request_id"]],
          ["cancelled", false, false, request_id],
        );
        assert.ok(responses.slice(0, -1).every((chunk) => chunk["has_more"] === true));
        const again = await lobby.push({ request_id }, "stop_stream");
        assert.deepEqual([again.status, again.reply], ["error", { reason: "unknown stream" }]);
      });
    });
  }

  it("is stopped by an operator", async (t) => {
    const [lobby, other] = [await Lobby.join(t, url), await Lobby.join(t, url)];
    await closes(lobby, other, async (requestId) => {
      const acceptors = ["acceptor-1", "acceptor-2"].map(
        (name) => system.resolve(name) as ActorRef<Acceptor>,
      );
      const stopped = await Promise.all(acceptors.map(({ ask }) => ask.stopStream(requestId)));
      assert.deepEqual(stopped.sort(), [0, 1]);
      assert.equal((await lastOf(lobby))["code"], "cancelled");
    });
  });

  it("ends when its client leaves the channel, and says nothing more", async (t) => {
    const [lobby, other] = [await Lobby.join(t, url), await Lobby.join(t, url)];
    await closes(lobby, other, async () => {
      await lobby.push({}, "phx_leave");
      const frames = await lobby.client.rest();
      assert.deepEqual(
        frames.map(([, , , event]) => event),
        ["phx_close"],
      );
    });
  });

  it("ends when its client disconnects", async (t) => {
    const [lobby, other] = [await Lobby.join(t, url), await Lobby.join(t, url)];
    await closes(lobby, other, () => lobby.client.ws.terminate());
  });

  it("stands still while its client does not read", async (t) => {
    const [lobby, other] = [await Lobby.join(t, url), await Lobby.join(t, url)];
    await closes(lobby, other, async (request_id) => {
      lobby.client.ws.pause();
      // What the kernel buffers is not ours; beyond it nothing is made. Others are served.
      let made = -1;
      await eventually(
        async () => {
          for (let i = 0; i < 20; i++) await other.call(service, "echo", { message: i });
          const before = made;
          made = (await counts(other))["made"] ?? 0;
          return made - before;
        },
        (more) => more === 0,
        "the generator stands still",
      );
      lobby.client.ws.resume();
      lobby.send("stop_stream", { request_id });
      let expected = 1;
      for (;;) {
        const { has_more, result, code } = await lobby.next();
        if (has_more === false) {
          assert.equal(code, "cancelled");
          break;
        }
        assert.equal(result, expected, "every chunk, in order");
        expected += 1;
      }
    });
  });
});

describe("a version", () => {
  it("that is asked for is that one, else the unversioned, else the highest enabled", async (t) => {
    const lobby = await Lobby.join(t, url);
    const get = async (type: string, version?: string): Promise<unknown> => {
      const { result, error } = await lobby.call(service, type, {}, version ? { version } : {});
      return result ?? error;
    };
    assert.equal(await get("versioned", "1.9.0"), "1.9.0");
    assert.equal(await get("versioned"), "1.10.0");
    assert.equal(await get("versioned", "0.0.0"), "1.10.0");
    assert.equal(await get("versioned", "3.0.0"), "disabled function: versioned version 3.0.0");
    assert.equal(await get("versioned", "4.0.0"), "unsupported function: versioned version 4.0.0");
    assert.equal(await get("both"), "unversioned");
    assert.equal(await get("both", "9.0.0"), "9.0.0");
  });
});
