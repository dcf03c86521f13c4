import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { ManualClock } from "#runtime/testing";
import {
  acceptSession,
  type Connection,
  type ConnectionHandler,
  type Credentials,
  encodeFrame,
  frameKind,
  handshakeCodes,
  handshakeTimeoutMs,
  openSession,
  tcpTransport,
} from "../../../runtime/cluster/index.ts";
import {
  credentials,
  Door,
  gate,
  gateName,
  Observed,
  outcome,
  users,
  usersName,
} from "./meeting.ts";
import { Stranger, strangersPort } from "./stranger.ts";

const transport = tcpTransport(null);

/** Two nodes that meet over TCP; how it ended for the one that dialled, and for the other one. */
async function meet(t: TestContext, caller: Credentials, callee: Credentials, name = usersName) {
  const clock = new ManualClock();
  const door = await Door.open(t, transport);
  const dialled = new Observed(transport.dial("127.0.0.1", door.port));
  t.after(() => dialled.destroy());
  const opened = outcome(openSession(dialled, caller, name, clock));
  const accepted = await door.next();
  const ends = await Promise.all([opened, outcome(acceptSession(accepted, callee, clock))]);
  return { ends, dialled, accepted, clock };
}

describe("a greeting over TCP", () => {
  it("ends with both sides known, and no timer left", async (t) => {
    const { ends, dialled, accepted, clock } = await meet(t, gate, users);
    assert.deepEqual(ends, [`with ${usersName}`, `with ${gateName}`]);
    assert.equal(clock.pendingTimers, 0);
    // A deadline that has passed since then does nothing.
    clock.advance(handshakeTimeoutMs * 2);
    assert.deepEqual([...dialled.closedReasons, ...accepted.closedReasons], []);
  });

  it("hands on what came behind it, also before the next handler is set", async (t) => {
    const clock = new ManualClock();
    const place = await strangersPort(t);
    const door = await Door.open(t, transport);
    const dialled = new Observed(transport.dial("127.0.0.1", place.port));
    t.after(() => dialled.destroy());
    const opened = openSession(dialled, gate, usersName, clock);
    // The stranger is a node behind a wire that delivers the welcome and more in one piece.
    const wire = await place.next();
    const inner = await Stranger.call(t, door.port);
    const acceptedConnection = await door.next();
    const accepted = acceptSession(acceptedConnection, users, clock);
    inner.say(await wire.hear());
    wire.say(await inner.hear());
    inner.say(await wire.hear());
    const welcome = encodeFrame(frameKind.handshake, await inner.hear());
    wire.socket.write(Buffer.concat([welcome, Buffer.from("first ")]));
    const { rest } = await opened;
    await accepted;
    assert.equal(Buffer.concat(rest).toString(), "first ");
    const { receivedBytes } = dialled;
    wire.socket.write("second ");
    await dialled.received(receivedBytes + 7);
    const third = new Promise<string>((resolve) => {
      dialled.handle({ data: (bytes) => resolve(bytes.toString()), drained() {}, closed() {} });
    });
    wire.socket.write("third");
    assert.equal(await third, "third");
    assert.equal(Buffer.concat(rest).toString(), "first second ");
  });

  it("is told to a handler that comes too late that the connection is over", async (t) => {
    const { dialled, accepted } = await meet(t, gate, users);
    accepted.destroy();
    await dialled.closed();
    const reason = await new Promise<string>((resolve) => {
      dialled.handle({ data() {}, drained() {}, closed: resolve });
    });
    assert.match(reason, /^closed by the other side/);
  });

  for (const [what, caller, callee, name, dialled, accepting] of [
    [
      ...(["a wrong cookie", { ...gate, cookie: "wrong" }, users, usersName] as const),
      `wrong_cookie: the other side refused: ${handshakeCodes.wrong_cookie}`,
      `wrong_cookie: ${handshakeCodes.wrong_cookie}`,
    ],
    [
      ...(["no cookie", { ...gate, cookie: null }, users, usersName] as const),
      `wrong_cookie: the other side refused: ${handshakeCodes.wrong_cookie}`,
      `wrong_cookie: ${handshakeCodes.wrong_cookie}`,
    ],
    [
      ...([
        "another cluster",
        credentials(gateName, { cluster: "red" }),
        users,
        usersName,
      ] as const),
      "wrong_cluster: the other side refused: expected cluster blue, received red",
      "wrong_cluster: expected cluster blue, received red",
    ],
    [
      ...(["another name", gate, users, "other@127.0.0.1:9101"] as const),
      `wrong_node: expected other@127.0.0.1:9101, reached ${usersName}`,
      `wrong_node: the other side refused: expected other@127.0.0.1:9101, reached ${usersName}`,
    ],
    [
      ...(["itself", users, users, "users@localhost:9101"] as const),
      `self: the other side refused: ${usersName} reached itself`,
      `self: ${usersName} reached itself`,
    ],
  ] as const) {
    it(`refuses ${what}, and closes without waiting`, async (t) => {
      const met = await meet(t, caller, callee, name);
      assert.deepEqual(met.ends, [dialled, accepting]);
      await Promise.all([met.dialled.closed(), met.accepted.closed()]);
      assert.equal(met.clock.pendingTimers, 0);
    });
  }

  it("does not connect where a node was told to dial itself", async (t) => {
    const clock = new ManualClock();
    const door = await Door.open(t, transport);
    const connection = new Observed(transport.dial("127.0.0.1", door.port));
    const session = outcome(openSession(connection, users, usersName, clock));
    assert.equal(await session, `self: ${usersName} reached itself`);
    await connection.closed().then(() => assert.equal(clock.pendingTimers, 0));
  });

  it("says why a connection did not come about", async (t) => {
    const door = await Door.open(t, transport);
    const place = { host: "127.0.0.1", port: 0, shared: false };
    const listener = await transport.listen(place, () => {});
    await listener.close();
    assert.notEqual(door.port, listener.port);
    const connection = transport.dial("127.0.0.1", listener.port);
    const session = openSession(connection, gate, usersName, new ManualClock());
    assert.equal(await outcome(session), "closed: nobody listens there");
  });

  it("rejects credentials that nobody would take", async (t) => {
    const door = await Door.open(t, transport);
    const connection = new Observed(transport.dial("127.0.0.1", door.port));
    const wrong = credentials("users", {});
    const session = openSession(connection, wrong, usersName, new ManualClock());
    await assert.rejects(session, /^RangeError: name: expected/);
  });
});

/** A connection without a network. */
class Puppet implements Connection {
  readonly peer = "puppet:1";
  readonly bufferedBytes = 0;
  handler: ConnectionHandler | null = null;
  writtenBytes = 0;
  isOver = false;

  handle(handler: ConnectionHandler): void {
    this.handler = handler;
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.writtenBytes += chunk.length;
  }

  end(): void {}

  destroy(): void {
    this.isOver = true;
  }
}

describe("a greeting with bytes by chance", () => {
  const framed = fc
    .tuple(fc.integer({ min: 0, max: 7 }), fc.uint8Array({ maxLength: 200 }))
    .map(([kind, payload]) => encodeFrame(kind as 1, payload));
  const anyBytes = fc.array(fc.oneof(fc.uint8Array({ maxLength: 3_000 }), framed), {
    maxLength: 8,
  });

  it("fails with one reason, and says little", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), anyBytes, async (isDialled, pieces) => {
        const clock = new ManualClock();
        const puppet = new Puppet();
        const session = isDialled
          ? openSession(puppet, gate, usersName, clock)
          : acceptSession(puppet, users, clock);
        const end = outcome(session);
        for (const piece of pieces) puppet.handler?.data(piece);
        clock.advance(handshakeTimeoutMs);
        assert.match(await end, /^(malformed|oversized_frame|silent_peer): /);
        assert.ok(puppet.isOver);
        assert.ok(puppet.writtenBytes < 1_000);
        assert.equal(clock.pendingTimers, 0);
      }),
      { numRuns: 300 },
    );
  });
});
