import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GatewayProcess } from "./gateway-process.ts";
import { type ClientOptions, PhoenixClient, replied } from "./phoenix-client.ts";

const ada = { id: "1", name: "Ada Lovelace", email: "ada@example.com", roles: ["admin"] };

let gateway: GatewayProcess;
before(async () => {
  gateway = await GatewayProcess.start({ after });
});

const encode = (message: object, done: (text: string) => void): void =>
  done(JSON.stringify(message));
const decode = (text: string, done: (message: unknown) => void): void => done(JSON.parse(text));

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
      const rows = [
        ["user_service", "get_user", { user_id: "9" }, , "ok", "not_found", /^No user 9$/],
        ["user_service", "nope", {}, , "ok", "unsupported_function", /^unsupported function: nope/],
        ["no_service", "echo", {}, , "ok", "unsupported_function", /^unsupported function: echo/],
        [
          ...["user_service", "get_user", { user_id: "1" }, "3.0.0"],
          ...["ok", "unsupported_function", /^unsupported function: get_user version 3\.0\.0$/],
        ],
        ["echo_service", "echo", {}, , "error", "invalid_arguments", /message/],
        ["echo_service", "echo", , , "error", "invalid_arguments", /message/],
        [
          ...["echo_service", "echo", { message: "hi", loud: true }, ,],
          ...["error", "invalid_arguments", /loud/],
        ],
        ["echo_service", "echo", { message: 5 }, , "error", "invalid_arguments", /message.*string/],
        [
          ...["user_service", "get_user", { user_id: "1", fields: ["name"] }, "1.0.0"],
          ...["error", "invalid_arguments", /fields/],
        ],
        [
          ...["user_service", "get_user", { user_id: "1", fields: Array(11).fill("id") }, "2.0.0"],
          ...["error", "invalid_arguments", /fields.*10/],
        ],
        ["math_service", "add", { by: "1" }, , "error", "invalid_arguments", /by.*number/],
        ["user_service", "list_users", { all: true }, , "error", "invalid_arguments", /all/],
      ] as const;
      for (const [service, type, args, version, status, code, message] of rows) {
        const request = client.request(service as string, type as string, args, version as string);
        const { reply, response } = await client.push(request);
        const at = JSON.stringify(request);
        assert.equal(response.request_id, request.request_id, at);
        assert.deepEqual([response.success, response.result, response.code], [false, null, code], at);
        assert.match(response.error ?? "", message as RegExp, at);
        assert.equal(response.can_retry, false, at);
        assert.equal(reply[0], status, at);
        const expected = status === "ok" ? type : response.error;
        assert.deepEqual(reply[1], options.inline ? response : expected, at);
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
    const none = client.socket.channel("chat:lobby");
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
