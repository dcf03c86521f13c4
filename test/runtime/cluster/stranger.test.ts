import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { ManualClock } from "#runtime/testing";
import {
  acceptSession,
  encodeFrame,
  frameKind,
  handshakeCodes,
  handshakeTimeoutMs,
  openSession,
  tcpTransport,
} from "../../../runtime/cluster/index.ts";
import { Door, gate, gateName, outcome, users, usersName } from "./meeting.ts";
import { hello, lure, Stranger, strangersPort, visit } from "./stranger.ts";

const transport = tcpTransport(null);

describe("a node that a stranger calls", () => {
  it("refuses another version of the protocol", async (t) => {
    const { stranger, session } = await visit(t);
    stranger.say({ ...hello, versions: { min: 7, max: 9 }, nonce: { kind: "unheard of" } });
    const why = "expected versions 1 to 1, received 7 to 9";
    assert.equal(await session, `wrong_version: ${why}`);
    assert.deepEqual(await stranger.hearFields(), {
      ...{ magic: "troupe", type: "refusal", code: "wrong_version", text: why },
    });
    await stranger.closed();
  });

  it("refuses what was said on another connection", async (t) => {
    const { door, stranger, connection, session, clock } = await visit(t);
    // A true node greets; all of its words are overheard.
    const place = await strangersPort(t);
    const node = transport.dial("127.0.0.1", place.port);
    t.after(() => node.destroy());
    const known = outcome(openSession(node, gate, usersName, clock));
    const wire = await place.next();
    const helloSaid = await wire.hear();
    stranger.say(helloSaid);
    wire.say(await stranger.hear());
    const proofSaid = await wire.hear();
    stranger.say(proofSaid);
    wire.say(await stranger.hear());
    assert.deepEqual([await known, await session], [`with ${usersName}`, `with ${gateName}`]);
    connection.destroy();
    // The same words again.
    const impostor = await Stranger.call(t, door.port);
    const again = outcome(acceptSession(await door.next(), users, clock));
    impostor.say(helloSaid);
    assert.equal((await impostor.hearFields())["type"], "challenge");
    impostor.say(proofSaid);
    assert.equal(await again, `wrong_cookie: ${handshakeCodes.wrong_cookie}`);
    assert.equal((await impostor.hearFields())["code"], "wrong_cookie");
    await impostor.closed();
  });

  it("cannot be made to answer its own challenge", async (t) => {
    // The stranger is dialled by the node, and calls it back to have its questions answered.
    const { stranger: dialled, session: opened } = await lure(t);
    const theirs = await dialled.hearFields();
    const { stranger: caller, session: accepted } = await visit(t);
    caller.say({ ...theirs, name: "mallory@127.0.0.1:6666" });
    const challenge = await caller.hearFields();
    dialled.say(challenge);
    const proof = await dialled.hearFields();
    // A proof for the words that it said itself, under its own name: of no use with another name.
    caller.say(proof);
    assert.equal(await accepted, `wrong_cookie: ${handshakeCodes.wrong_cookie}`);
    dialled.say({ ...proof, type: "welcome" });
    assert.equal(await opened, `wrong_cookie: ${handshakeCodes.wrong_cookie}`);
    await Promise.all([caller.closed(), dialled.closed()]);
  });

  it("takes its own hello for itself", async (t) => {
    const door = await Door.open(t, transport);
    const place = await strangersPort(t);
    const clock = new ManualClock();
    const node = transport.dial("127.0.0.1", place.port);
    t.after(() => node.destroy());
    const opened = outcome(openSession(node, users, "mallory@127.0.0.1:6666", clock));
    const dialled = await place.next();
    const caller = await Stranger.call(t, door.port);
    const accepted = outcome(acceptSession(await door.next(), users, clock));
    caller.say(await dialled.hear());
    assert.equal(await accepted, `self: ${usersName} reached itself`);
    dialled.say(await caller.hear());
    assert.match(await opened, /^self: the other side refused/);
  });

  it("closes when it is told nothing until the deadline", async (t) => {
    const { stranger, connection, session, clock } = await visit(t);
    clock.advance(handshakeTimeoutMs - 1);
    assert.deepEqual(connection.closedReasons, []);
    clock.advance(1);
    const why = `expected a hello within ${handshakeTimeoutMs} ms, received 0 bytes`;
    assert.equal(await session, `silent_peer: ${why}`);
    assert.equal((await stranger.hearFields())["text"], why);
    await Promise.all([stranger.closed(), connection.closed()]);
    assert.equal(clock.pendingTimers, 0);
  });

  it("closes at the deadline also when the bytes come one by one", async (t) => {
    const { stranger, connection, session, clock } = await visit(t);
    const bytes = encodeFrame(frameKind.handshake, Buffer.from(JSON.stringify(hello)));
    for (let count = 1; count <= 10; count += 1) {
      stranger.socket.write(bytes.subarray(count - 1, count));
      await connection.received(count);
      clock.advance(handshakeTimeoutMs / 10);
    }
    assert.match(await session, /^silent_peer: expected a hello .* received 10 bytes$/);
    await Promise.all([stranger.closed(), connection.closed()]);
  });

  it("gives the deadline to the whole handshake, not to each message", async (t) => {
    const { stranger, connection, session, clock } = await visit(t);
    clock.advance(handshakeTimeoutMs - 1);
    stranger.say(hello);
    assert.equal((await stranger.hearFields())["type"], "challenge");
    clock.advance(1);
    assert.match(await session, /^silent_peer: expected a proof/);
    await Promise.all([stranger.closed(), connection.closed()]);
  });

  it("takes a hello that comes byte by byte in time", async (t) => {
    const { stranger, connection } = await visit(t);
    const bytes = encodeFrame(frameKind.handshake, Buffer.from(JSON.stringify(hello)));
    for (let count = 1; count <= bytes.length; count += 1) {
      stranger.socket.write(bytes.subarray(count - 1, count));
      await connection.received(count);
    }
    assert.equal((await stranger.hearFields())["type"], "challenge");
  });

  for (const [what, bytes, why] of [
    [
      "a first frame that is too long, from its length alone",
      Buffer.from([0, 0, 8, 2]),
      "oversized_frame: payload of a frame: expected at most 2048 bytes, received 2049",
    ],
    [
      "a request of a browser",
      Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
      "oversized_frame: payload of a frame: expected at most 2048 bytes, received 1195725855",
    ],
    [
      "TLS",
      Buffer.from([0x16, 0x03, 0x01, 0x00, 0xf0, 0x01]),
      "oversized_frame: received TLS, expected plain frames: both nodes need the same tls settings",
    ],
    [
      "a frame of another kind",
      encodeFrame(frameKind.batch, Buffer.from([0x90])),
      "malformed: expected a hello, received a frame of kind 2",
    ],
    [
      "a frame of no kind",
      Buffer.from([0, 0, 0, 1, 77]),
      "malformed: kind of frame: expected 1 to 7, received 77",
    ],
    [
      "a frame without a kind",
      Buffer.from([0, 0, 0, 0]),
      "malformed: length of a frame: expected 1 or more, received 0",
    ],
    [
      "a frame of no sense",
      encodeFrame(frameKind.handshake, Buffer.from("hello?")),
      "malformed: expected a message of a handshake",
    ],
  ] as const) {
    it(`refuses ${what}`, async (t) => {
      const { stranger, connection, session, clock } = await visit(t);
      stranger.socket.write(bytes);
      assert.equal(await session, why);
      assert.ok(why.endsWith(String((await stranger.hearFields())["text"])));
      await Promise.all([stranger.closed(), connection.closed()]);
      assert.equal(clock.pendingTimers, 0);
    });
  }

  it("closes on a stranger who goes on talking after being refused", async (t) => {
    const clock = new ManualClock();
    const door = await Door.open(t, transport);
    // Half open: the end of the other side is not answered by itself.
    const socket = connect({ port: door.port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    const stranger = new Stranger(t, socket);
    const connection = await door.next();
    const session = outcome(acceptSession(connection, users, clock));
    socket.write(Buffer.alloc(100_000, 0xff));
    assert.match(await session, /^oversized_frame/);
    assert.equal((await stranger.hearFields())["code"], "oversized_frame");
    await connection.received(100_000);
    assert.deepEqual(connection.closedReasons, []);
    clock.advance(500);
    await connection.closed();
    assert.equal(clock.pendingTimers, 0);
  });

  it("says that the stranger went away", async (t) => {
    const { stranger, session, clock } = await visit(t);
    stranger.socket.end();
    assert.equal(await session, "closed: closed by the other side");
    assert.equal(clock.pendingTimers, 0);
  });
});

describe("a node that has dialled a stranger", () => {
  it("closes when it is told nothing until the deadline", async (t) => {
    const { stranger, connection, session, clock } = await lure(t);
    assert.equal((await stranger.hearFields())["type"], "hello");
    clock.advance(handshakeTimeoutMs);
    assert.match(await session, /^silent_peer: expected a challenge within 5000 ms, received 0/);
    await Promise.all([stranger.closed(), connection.closed()]);
  });

  it("refuses a stranger without the cookie, though he lets it in", async (t) => {
    const { stranger, connection, session } = await lure(t);
    await stranger.hear();
    const { cluster: _, versions: __, ...fields } = hello;
    stranger.say({ ...fields, type: "challenge", name: usersName, version: 1 });
    assert.equal((await stranger.hearFields())["type"], "proof");
    stranger.say({ magic: "troupe", type: "welcome", mac: "0".repeat(64) });
    assert.equal(await session, `wrong_cookie: ${handshakeCodes.wrong_cookie}`);
    assert.equal((await stranger.hearFields())["code"], "wrong_cookie");
    await Promise.all([stranger.closed(), connection.closed()]);
  });

  it("refuses its own words", async (t) => {
    const { stranger, session } = await lure(t);
    stranger.say(await stranger.hear());
    assert.equal(await session, "malformed: expected a challenge, received a hello");
  });

  it("gives a hint where nobody says anything", async (t) => {
    const { stranger, session } = await lure(t);
    await stranger.hear();
    stranger.socket.end();
    const why = "closed by the other side without a word: it may expect TLS";
    assert.equal(await session, `closed: ${why}`);
  });
});
