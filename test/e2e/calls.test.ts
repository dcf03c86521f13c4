import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileScope, GatewayProcess } from "./gateway-process.ts";
import { type ClientOptions, PhoenixClient, replied } from "./phoenix-client.ts";

const ada = { id: "1", name: "Ada Lovelace", email: "ada@example.com", roles: ["admin"] };

const gateway = await GatewayProcess.start(fileScope());

const encode = (message: object, done: (text: string) => void): void =>
  done(JSON.stringify(message));
const decode = (text: string, done: (message: unknown) => void): void => done(JSON.parse(text));

/** A call that does not succeed, and what is said of it. */
interface Refusal {
  readonly call: readonly [service: string, type: string, args?: object, version?: string];
  readonly status: "ok" | "error";
  readonly code: string;
  readonly message: RegExp;
}

const unsupported = { status: "ok", code: "unsupported_function" } as const;
const invalid = { status: "error", code: "invalid_arguments" } as const;
const tooMany: readonly string[] = new Array(11).fill("id");

const refusals: readonly Refusal[] = [
  {
    call: ["user_service", "get_user", { user_id: "9" }],
    ...{ status: "ok", code: "not_found", message: /^No user 9$/ },
  },
  { call: ["user_service", "nope"], ...unsupported, message: /^unsupported function: nope/ },
  { call: ["no_service", "echo"], ...unsupported, message: /^unsupported function: echo/ },
  {
    call: ["user_service", "get_user", { user_id: "1" }, "3.0.0"],
    ...{ ...unsupported, message: /^unsupported function: get_user version 3\.0\.0$/ },
  },
  { call: ["echo_service", "echo", {}], ...invalid, message: /message/ },
  { call: ["echo_service", "echo"], ...invalid, message: /message/ },
  { call: ["echo_service", "echo", { message: "hi", loud: 1 }], ...invalid, message: /loud/ },
  { call: ["echo_service", "echo", { message: 5 }], ...invalid, message: /message.*string/ },
  {
    call: ["user_service", "get_user", { user_id: "1", fields: ["name"] }, "1.0.0"],
    ...{ ...invalid, message: /fields/ },
  },
  {
    call: ["user_service", "get_user", { user_id: "1", fields: tooMany }, "2.0.0"],
    ...{ ...invalid, message: /fields.*10/ },
  },
  { call: ["math_service", "add", { by: "1" }], ...invalid, message: /by.*number/ },
  { call: ["user_service", "list_users", { all: true }], ...invalid, message: /all/ },
];

const forms: readonly (readonly [string, ClientOptions])[] = [
  ["the default form", {}],
  ["the inline form", { inline: true }],
  ["version 1 of the protocol", { socket: { vsn: "1.0.0", encode, decode } }],
  ["version 1, inline", { inline: true, socket: { vsn: "1.0.0", encode, decode } }],
];

for (const [form, options] of forms) {
  describe(`the official client, in ${form}`, () => {
    it("calls every function of the demo", async (t) => {
      const client = await PhoenixClient.join(t, gateway.url, options);
      assert.equal(await client.result("echo_service", "echo", { message: "grüß 👋" }), "grüß 👋");
      const users = (await client.result("user_service", "list_users")) as { name: string }[];
      assert.deepEqual(
        users.map(({ name }) => name),
        ["Ada Lovelace", "Grace Hopper", "Alan Turing"],
      );
      await client.result("math_service", "reset");
      assert.equal(await client.result("math_service", "add", { by: 2.5 }), 2.5);
      assert.equal(await client.result("math_service", "add", { by: -1 }), 1.5);
      assert.equal(await client.result("math_service", "value"), 1.5);
      assert.equal(await client.result("math_service", "reset"), 1.5);
      assert.equal(await client.result("math_service", "value"), 0);
    });

    it("gets the version that it asks for, the highest when it does not", async (t) => {
      const client = await PhoenixClient.join(t, gateway.url, options);
      const get = (args: object, version?: string): Promise<unknown> =>
        client.result("user_service", "get_user", args, version);
      assert.deepEqual(await get({ user_id: "1" }, "1.0.0"), ada);
      assert.deepEqual(await get({ user_id: "1" }, "2.0.0"), ada);
      const fields = ["name", "id", "nothing"];
      const some = { id: "1", name: "Ada Lovelace" };
      assert.deepEqual(await get({ user_id: "1", fields }, "2.0.0"), some);
      assert.deepEqual(await get({ user_id: "1", fields }), some);
    });

    it("gets Response and reply as the contract has them", async (t) => {
      const client = await PhoenixClient.join(t, gateway.url, options);
      const request = client.request("echo_service", "echo", { message: "hi" });
      const { reply, response } = await client.push(request);
      assert.deepEqual(response, {
        ...{ request_id: request.request_id, result: "hi", success: true, error: null },
        ...{ async: false, has_more: false, can_retry: false },
      });
      assert.deepEqual(reply, ["ok", options.inline ? response : "echo"]);
      const sent = client.messages.filter(({ ref, event }) => event === "api" && ref === null);
      assert.equal(sent.length, options.inline ? 0 : 1);
    });

    it("is told what was wrong, and stays joined", async (t) => {
      const client = await PhoenixClient.join(t, gateway.url, options);
      for (const { call, status, code, message } of refusals) {
        const request = client.request(...call);
        const { reply, response } = await client.push(request);
        const at = JSON.stringify(request);
        assert.equal(response.request_id, request.request_id, at);
        assert.deepEqual(
          [response.success, response.result, response.code],
          [false, null, code],
          at,
        );
        assert.match(response.error ?? "", message, at);
        assert.equal(response.can_retry, false, at);
        const expected = status === "ok" ? request.request_type : response.error;
        assert.deepEqual(reply, [status, options.inline ? response : expected], at);
      }
      assert.equal(await client.result("echo_service", "echo", { message: "still" }), "still");
      assert.deepEqual([client.opens, client.closes], [1, 0]);
    });

    it("without a user it may join and not call", async (t) => {
      const client = await PhoenixClient.join(t, gateway.url, { ...options, userId: null });
      const request = client.request("echo_service", "echo", { message: "hi" });
      const { reply, response } = await client.push(request);
      assert.deepEqual(
        [response.code, response.error],
        ["authentication_required", "Authentication required"],
      );
      assert.deepEqual(reply, ["error", options.inline ? response : "Authentication required"]);
    });
  });
}

describe("the official client", () => {
  it("is told which fields a request lacks", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url);
    const [status, message] = await replied(client.channel.push("api", { service: "x" }));
    assert.deepEqual(
      [status, message],
      ["error", "Missing required fields: request_type, request_id"],
    );
  });

  it("has its heartbeats answered", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url);
    const roundTripMs = await new Promise<number>((resolve) => {
      assert.ok(client.socket.ping(resolve));
    });
    assert.ok(roundTripMs >= 0);
    const last = client.messages.at(-1);
    assert.deepEqual([last?.topic, last?.event], ["phoenix", "phx_reply"]);
    assert.deepEqual(last?.payload, { status: "ok", response: {} });
  });

  it("leaves a channel and joins it again on the same socket", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url);
    const closed = new Promise<void>((resolve) => client.channel.onClose(resolve));
    assert.deepEqual(await replied(client.channel.leave()), ["ok", {}]);
    await closed;
    const again = client.socket.channel("api:lobby", { reply: "inline" });
    assert.deepEqual(await replied(again.join()), ["ok", {}]);
    const request = client.request("echo_service", "echo", { message: "again" });
    const [status, response] = await replied(again.push("api", request));
    assert.equal(status, "ok");
    assert.equal((response as { result: unknown }).result, "again");
    assert.deepEqual([client.opens, client.closes], [1, 0]);
  });

  it("has several channels on one socket, and is refused one that there is not", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url);
    const other = client.socket.channel("api:other", { reply: "inline" });
    assert.deepEqual(await replied(other.join()), ["ok", {}]);
    const none = client.socket.channel("news:lobby");
    assert.deepEqual(await replied(none.join()), ["error", { reason: "unmatched topic" }]);
    none.leave();
    const [, response] = await replied(
      other.push("api", client.request("echo_service", "echo", { message: "other" })),
    );
    assert.equal((response as { result: unknown }).result, "other");
    assert.equal(await client.result("echo_service", "echo", { message: "first" }), "first");
  });

  it("pushes bytes and gets bytes", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url, { inline: true });
    const request = client.request("echo_service", "echo", { message: "bytes ✓" });
    const { buffer } = new TextEncoder().encode(JSON.stringify(request));
    const [status, response] = await replied(client.channel.push("api", buffer));
    assert.equal(status, "ok");
    assert.ok(response instanceof ArrayBuffer);
    const { success, result } = JSON.parse(new TextDecoder().decode(response));
    assert.deepEqual([success, result], [true, "bytes ✓"]);

    const pushed = await PhoenixClient.join(t, gateway.url);
    const heard = new Promise<unknown>((resolve) => pushed.channel.on("api", resolve));
    const [, type] = await replied(pushed.channel.push("api", buffer));
    assert.equal(new TextDecoder().decode(type as ArrayBuffer), '"echo"');
    const push = JSON.parse(new TextDecoder().decode((await heard) as ArrayBuffer));
    assert.deepEqual([push.request_id, push.result], [request.request_id, "bytes ✓"]);
  });

  it("has a thousand calls in flight at once answered, each with its own", async (t) => {
    const client = await PhoenixClient.join(t, gateway.url);
    const messages = Array.from({ length: 1_000 }, (_, index) => `m${index}`);
    const results = await Promise.all(
      messages.map((message) => client.result("echo_service", "echo", { message })),
    );
    assert.deepEqual(results, messages);
  });
});
