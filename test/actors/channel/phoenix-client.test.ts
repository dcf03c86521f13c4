import assert from "node:assert/strict";
import { test } from "node:test";
import { type Push, Socket } from "phoenix";
import { WebSocket } from "ws";
import { request, stage } from "./client.ts";
import { admission } from "./fixtures/connect.ts";

const answer = (push: Push): Promise<[string, unknown]> =>
  new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve([status, response]));
    }
  });

test("the official client joins, calls, is refused, crashes, rejoins and leaves", async (t) => {
  const connect = {
    module: new URL("./fixtures/connect.ts", import.meta.url).href,
    function: "connect",
  };
  const at = await stage(t, { connect });
  admission.decide = ({ token, params }) =>
    token === "s3cret" ? { user_id: params["user_id"] } : null;
  const socket = new Socket(`ws://127.0.0.1:${at.port}/socket`, {
    transport: WebSocket,
    params: { user_id: "alice" },
    authToken: "s3cret",
    rejoinAfterMs: () => 1,
  });
  t.after(() => socket.disconnect());
  socket.connect();

  const channel = socket.channel("strict:lobby", { user_id: "alice" });
  const pushes: unknown[] = [];
  channel.on("api", (payload) => pushes.push(payload));
  assert.deepEqual(await answer(channel.join()), ["ok", {}]);
  assert.deepEqual(await answer(channel.push("api", request("echo", "r1", { message: "hi" }))), [
    "ok",
    "echo",
  ]);
  assert.equal((pushes[0] as { result: unknown }).result, "hi");
  assert.equal((await answer(channel.push("api", {})))[0], "error");
  assert.deepEqual(await answer(channel.push("nonsense", {})), [
    "error",
    { reason: "unknown event" },
  ]);
  assert.equal(channel.state, "joined");

  assert.deepEqual(await answer(socket.channel("nothing:here").join()), [
    "error",
    { reason: "unmatched topic" },
  ]);
  assert.deepEqual(await answer(socket.channel("x".repeat(256)).join()), [
    "error",
    { reason: "topic is longer than 255 bytes", code: "invalid_request" },
  ]);

  const errored = new Promise<void>((resolve) => channel.onError(resolve));
  channel.push("api", request("crash", "r2"));
  await errored;
  // It joins again by itself; what is pushed meanwhile waits in the client.
  assert.deepEqual(await answer(channel.push("api", request("echo", "r3"))), ["ok", "echo"]);

  const closed = new Promise<void>((resolve) => channel.onClose(resolve));
  assert.equal((await answer(channel.leave()))[0], "ok");
  await closed;
  await new Promise<void>((resolve) => socket.disconnect(resolve));
  await at.quiet();
});
