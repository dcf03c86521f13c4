import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { describe, it, type TestContext } from "node:test";
import { connect as connectTls } from "node:tls";
import { ManualClock } from "#runtime/testing";
import {
  acceptSession,
  type Connection,
  handshakeTimeoutMs,
  openSession,
  type Transport,
  tcpTransport,
} from "../../../runtime/cluster/index.ts";
import { CertificateFolder, missingOpenssl } from "./certificates.ts";
import { Door, gate, gateName, Observed, outcome, users, usersName } from "./meeting.ts";
import { Stranger } from "./stranger.ts";
import { transportContract } from "./transport-contract.ts";

const skip = missingOpenssl();

const place = "127.0.0.1";

function makeAll() {
  const folder = new CertificateFolder();
  folder.makeAuthority("ours");
  folder.makeAuthority("theirs");
  const users = folder.make("users", "ours", `IP:${place}`);
  const gate = folder.make("gate", "ours", `IP:${place}`);
  const foreign = folder.make("foreign", "theirs", `IP:${place}`);
  const moved = folder.make("moved", "ours", "DNS:elsewhere.example");
  return { users, gate, foreign, moved };
}

/** How it ends for the one that dials, and for the one that accepts. */
async function meet(t: TestContext, dialling: Transport, accepting: Transport) {
  const clock = new ManualClock();
  const door = await Door.open(t, accepting);
  const dialled = new Observed(dialling.dial(place, door.port));
  t.after(() => dialled.destroy());
  const opened = outcome(openSession(dialled, gate, usersName, clock));
  const accepted = await door.next();
  const ends = await Promise.all([opened, outcome(acceptSession(accepted, users, clock))]);
  return { ends, dialled, accepted, clock };
}

describe("a greeting over TLS", { skip }, () => {
  if (skip !== false) {
    console.log(`skipped: ${skip}`);
    return;
  }
  const certificates = makeAll();
  const secure = tcpTransport(certificates.gate);

  it("ends with both sides known where both have a certificate", async (t) => {
    const { ends } = await meet(t, secure, tcpTransport(certificates.users));
    assert.deepEqual(ends, [`with ${usersName}`, `with ${gateName}`]);
  });

  it("takes PEM as well as paths", async (t) => {
    const read = (path: string) => readFileSync(path, "utf8");
    const { key, cert, ca } = certificates.users;
    const transport = tcpTransport({ key: read(key), cert: read(cert), ca: read(ca) });
    const { ends } = await meet(t, secure, transport);
    assert.deepEqual(ends, [`with ${usersName}`, `with ${gateName}`]);
  });

  it("sends nothing that could be read on the way", async (t) => {
    const door = await Door.open(t, tcpTransport(null));
    const dialled = secure.dial(place, door.port);
    t.after(() => dialled.destroy());
    void outcome(openSession(dialled, gate, usersName, new ManualClock()));
    const heard = await firstBytes(await door.next());
    assert.equal(heard[0], 0x16);
    assert.ok(!heard.includes("gate"));
  });

  it("refuses a node whose certificate another authority has signed", async (t) => {
    const theirs = { ...certificates.foreign, ca: certificates.gate.ca };
    const met = await meet(t, tcpTransport(theirs), tcpTransport(certificates.users));
    assert.deepEqual(met.ends, [
      "closed: closed by the other side without a word: it may not trust the certificate of this node",
      "closed: the certificate of the other side is not trusted: another authority has signed it",
    ]);
    assert.equal(met.clock.pendingTimers, 0);
  });

  it("does not talk to a node whose certificate another authority has signed", async (t) => {
    const theirs = { ...certificates.foreign, ca: certificates.gate.ca };
    const { ends } = await meet(t, secure, tcpTransport(theirs));
    const why = "another authority has signed it";
    assert.equal(ends[0], `closed: the certificate of the other side is not trusted: ${why}`);
    // How far the accepting side had come by then is chance.
    assert.match(ends[1] ?? "", /^closed: (closed by the other side|the connection was reset)/);
  });

  it("does not talk to a node whose certificate is for another host", async (t) => {
    const { ends } = await meet(t, secure, tcpTransport(certificates.moved));
    const why = "it is for another host than the one dialled";
    assert.equal(ends[0], `closed: the certificate of the other side is not trusted: ${why}`);
    assert.match(ends[1] ?? "", /^closed: /);
  });

  it("refuses whoever has no certificate", async (t) => {
    const door = await Door.open(t, tcpTransport(certificates.users));
    const ca = readFileSync(certificates.users.ca);
    const socket = connectTls({ host: place, port: door.port, ca });
    const stranger = new Stranger(t, socket);
    const failed = once(socket, "error");
    const session = outcome(acceptSession(await door.next(), users, new ManualClock()));
    assert.equal(await session, "closed: it presented no certificate");
    await stranger.closed();
    assert.equal((await failed)[0].code, "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED");
  });

  it("refuses a node that speaks without TLS, and either knows why", async (t) => {
    const { ends } = await meet(t, tcpTransport(null), tcpTransport(certificates.users));
    assert.deepEqual(ends, [
      "closed: closed by the other side without a word: it may expect TLS",
      "closed: it does not speak TLS: both nodes need the same tls settings",
    ]);
  });

  it("does not talk to a node that speaks without TLS, and either knows why", async (t) => {
    const { ends } = await meet(t, secure, tcpTransport(null));
    assert.deepEqual(ends, [
      "closed: it does not speak TLS: both nodes need the same tls settings",
      "oversized_frame: received TLS, expected plain frames: both nodes need the same tls settings",
    ]);
  });

  it("gives a stranger who never begins TLS the same deadline", async (t) => {
    const clock = new ManualClock();
    const door = await Door.open(t, tcpTransport(certificates.users));
    const stranger = await Stranger.call(t, door.port);
    const connection = await door.next();
    const session = outcome(acceptSession(connection, users, clock));
    stranger.socket.write(Buffer.from([0x16, 0x03]));
    clock.advance(handshakeTimeoutMs);
    assert.match(await session, /^silent_peer: expected a hello/);
    await Promise.all([stranger.closed(), connection.closed()]);
  });

  it("needs certificates that can be read", () => {
    const { users, gate } = certificates;
    const missing = { ...users, key: "/nowhere/at/all.pem" };
    assert.throws(() => tcpTransport(missing), {
      name: "RangeError",
      message: "tls.key: expected PEM, or the path of a PEM file, received a path where no file is",
    });
    assert.throws(
      () => tcpTransport({ ...users, key: gate.key }),
      /^RangeError: tls: expected a key/,
    );
    const broken = { ...users, cert: "-----BEGIN CERTIFICATE-----\nA\n" };
    assert.throws(() => tcpTransport(broken), /^RangeError: tls: expected a key/);
  });
});

if (skip === false) {
  const certificates = makeAll();
  transportContract("TLS", () => ({
    transport: tcpTransport(certificates.users),
    host: place,
    run: (promise) => promise,
  }));
}

function firstBytes(connection: Connection): Promise<Buffer> {
  return new Promise((resolve) => {
    connection.handle({ data: (bytes) => resolve(Buffer.from(bytes)), drained() {}, closed() {} });
  });
}
