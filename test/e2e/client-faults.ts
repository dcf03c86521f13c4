import assert from "node:assert/strict";
import type { GatewayProcess, Scope } from "./gateway-process.ts";
import { encodeHeader, RawSocket } from "./raw-socket.ts";
import { WireClient } from "./wire-client.ts";

/** Does something that no good client does, and checks what comes of it; ends its connection. */
export type ClientFault = (gateway: GatewayProcess) => Promise<void>;

const lobby = "api:lobby";
const garbage: Uint8Array = Uint8Array.from({ length: 4_096 }, (_, index) => (index * 89) % 256);

/** Runs with a client that has joined, and ends it. */
function joined(work: (client: WireClient) => Promise<void>): ClientFault {
  return async (gateway) => {
    const ends: (() => unknown)[] = [];
    const scope: Scope = { after: (end) => void ends.push(end) };
    const client = await WireClient.join(scope, gateway);
    try {
      await work(client);
    } finally {
      for (const end of ends) end();
      await client.closed;
    }
  };
}

/** Runs on a connection that is a WebSocket, and ends it. */
function upgraded(work: (raw: RawSocket) => Promise<void>): ClientFault {
  return async (gateway) => {
    const raw = await RawSocket.upgraded(gateway);
    try {
      await work(raw);
    } finally {
      raw.socket.destroy();
      await raw.received;
    }
  };
}

async function succeeds(client: WireClient): Promise<void> {
  const response = await client.call("echo_service", "echo", { message: "well" });
  assert.equal(response?.result, "well");
}

async function refuses(client: WireClient, what: string, reason: RegExp): Promise<void> {
  client.send(what);
  await isRefused(client, reason);
}

async function isRefused(client: WireClient, reason: RegExp): Promise<void> {
  const [joinRef, , , event, payload] = await client.next();
  assert.deepEqual([joinRef, event], [null, "phx_error"]);
  assert.match((payload as { reason: string }).reason, reason);
}

/** So many brackets, half of which open: what parses that frame has work to do. */
export function bracketsAsArgument(count: number): ClientFault {
  const head = '"service":"echo_service","request_type":"echo","request_id":"deep"';
  const args = `{"message":${"[".repeat(count / 2)}${"]".repeat(count / 2)}}`;
  return joined(async (client) => {
    await refuses(client, `["1","2","${lobby}","api",{${head},"args":${args}}]`, /nested/);
    await succeeds(client);
  });
}

/** All of them, by what a test is called that has them. */
export const clientFaults: Readonly<Record<string, ClientFault>> = {
  "garbage instead of HTTP": async (gateway) => {
    const raw = new RawSocket(gateway);
    raw.socket.write(garbage);
    assert.match((await raw.received).toString(), /^HTTP\/1\.1 400 /);
  },
  "garbage instead of WebSocket frames": upgraded(async (raw) => {
    raw.socket.write(garbage);
    assert.equal(await raw.closeCode(), 1002);
  }),
  "half a frame, and gone": upgraded(async (raw) => {
    const half = Buffer.concat([encodeHeader(1_000), Buffer.alloc(500, "[")]);
    await new Promise((resolve) => raw.socket.write(half, resolve));
  }),
  "the beginning of a frame of 10 MB": upgraded(async (raw) => {
    raw.socket.write(Buffer.concat([encodeHeader(10_000_000), Buffer.alloc(10_000, "[")]));
    assert.equal(await raw.closeCode(), 1009);
  }),
  "bad frames, ten in a row": joined(async (client) => {
    const bad = ["", "{", "[]", "{}", "null", '["1","2","t"]', "[1,2,3,4,5]", "\u0000", "[[[", "x"];
    client.corked(() => {
      for (const frame of bad) client.send(frame);
    });
    for (let count = 0; count < bad.length; count++) await isRefused(client, /./);
    const { code } = await client.closed;
    assert.equal(code, 1008);
  }),
  "bad frames between good ones": joined(async (client) => {
    for (let round = 0; round < 3; round++) {
      for (let count = 0; count < 4; count++) await refuses(client, "nonsense", /./);
      await succeeds(client);
    }
  }),
  "10,000 brackets as an argument": bracketsAsArgument(10_000),
  "__proto__ as a key": joined(async (client) => {
    const head = '"service":"echo_service","request_type":"echo","request_id":"p"';
    const proto = '"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}';
    for (const payload of [
      `{${head},${proto},"args":{"message":"m",${proto}}}`,
      `{${proto}}`,
      `{${head},"args":{"__proto__":{"message":"inherited"}}}`,
    ]) {
      client.send(`["1","2","${lobby}","api",${payload}]`);
      const [, , , event, answer] = await client.next();
      assert.equal(event, "phx_reply");
      assert.equal((answer as { status: string }).status, "error");
    }
    client.send(["1", "3", "__proto__", "phx_join", {}]);
    const [, , , , answer] = await client.next();
    assert.deepEqual(answer, { status: "error", response: { reason: "unmatched topic" } });
    const names = await client.call("__proto__", "toString");
    assert.equal(names?.code, "unsupported_function");
    assert.equal((await client.call("thread_service", "polluted"))?.result, false);
  }),
  "unknown events": joined(async (client) => {
    for (const event of ["nonsense", "phx_reply", "phx_error", "phx_close", "__proto__"]) {
      client.send(["1", "2", lobby, event, {}]);
      const [, ref, , , payload] = await client.next();
      assert.equal(ref, "2");
      assert.deepEqual(payload, { status: "error", response: { reason: "unknown event" } });
    }
    await succeeds(client);
  }),
  "topics that were not joined": joined(async (client) => {
    client.send([null, "2", "api:elsewhere", "api", {}]);
    const [, , , , payload] = await client.next();
    assert.deepEqual(payload, { status: "error", response: { reason: "unmatched topic" } });
    await succeeds(client);
  }),
  "double joins": joined(async (client) => {
    for (let count = 0; count < 3; count++) {
      client.send(["1", "1", lobby, "phx_join", { reply: "inline" }]);
      const events = [await client.next(), await client.next()].map(([, , , event]) => event);
      assert.deepEqual(events, ["phx_reply", "phx_close"]);
    }
    await succeeds(client);
  }),
  "more channels than a socket may have": joined(async (client) => {
    const answers: unknown[] = [];
    for (let count = 1; count <= 100; count++) {
      client.send([`${count}`, `${count}`, `api:${count}`, "phx_join", {}]);
    }
    for (let count = 1; count <= 100; count++) {
      const [, , , , payload] = await client.next();
      answers.push((payload as { status: string }).status);
    }
    assert.equal(answers.filter((status) => status === "ok").length, 99);
  }),
  "a drop in the middle of calls": joined(async (client) => {
    const calls = [1, 2, 3].map(() => client.call("faulty_service", "waits"));
    await succeeds(client);
    client.ws.terminate();
    assert.deepEqual(await Promise.all(calls), [null, null, null]);
  }),
  "a leave in the middle of a call": joined(async (client) => {
    client.send(["1", "2", lobby, "api", call("faulty_service", "waits")]);
    client.send(["1", "3", lobby, "phx_leave", {}]);
    const [, ref, , , payload] = await client.next();
    assert.deepEqual([ref, (payload as { status: string }).status], ["3", "ok"]);
    const [, , , event] = await client.next();
    assert.equal(event, "phx_close");
  }),
  "functions that throw, reject and never answer": joined(async (client) => {
    const types = ["throws", "rejects", "never", "late"];
    const answers = await Promise.all(types.map((type) => client.call("faulty_service", type)));
    assert.deepEqual(
      answers.map((answer) => answer?.code),
      ["internal", "internal", "timeout", "timeout"],
    );
    await succeeds(client);
  }),
};

function call(service: string, type: string): object {
  return { service, request_type: type, request_id: "c", args: {} };
}
