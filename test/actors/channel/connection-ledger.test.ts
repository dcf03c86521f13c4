import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  ConnectionLedger,
  type ConnectionLimits,
  makeConnectionMemory,
  type Place,
  selectNetwork,
} from "../../../actors/channel/connection-ledger.ts";

function ledgers(count: number, limits: Partial<ConnectionLimits>): ConnectionLedger[] {
  const memory = makeConnectionMemory(count);
  const all = { maxConnections: null, maxConnectionsPerIp: null, limitLoopback: true, ...limits };
  return Array.from({ length: count }, (_, index) => new ConnectionLedger(memory, index, all));
}

const bound = (ledger: ConnectionLedger | undefined, address: string | null): string => {
  const entry = ledger?.enter(address);
  return entry?.ok === true ? "in" : String(entry?.bound);
};

describe("connections", () => {
  it("are bounded over all acceptors, and by address", () => {
    const [a, b] = ledgers(2, { maxConnections: 3, maxConnectionsPerIp: 2 });
    assert.equal(bound(a, "10.0.0.1"), "in");
    assert.equal(bound(b, "10.0.0.1"), "in");
    assert.equal(bound(a, "10.0.0.1"), "address");
    assert.equal(bound(b, "10.0.0.1"), "address");
    assert.equal(bound(b, "10.0.0.2"), "in");
    assert.equal(bound(a, "10.0.0.3"), "node");
  });

  it("give their place back, once an acceptor is gone all of them", () => {
    const memory = makeConnectionMemory(2);
    const limits = { maxConnections: 2, maxConnectionsPerIp: null, limitLoopback: true };
    const first = new ConnectionLedger(memory, 0, limits);
    const other = new ConnectionLedger(memory, 1, limits);
    const one = first.enter("10.0.0.1");
    assert.ok(one.ok && first.enter("10.0.0.2").ok);
    assert.equal(bound(other, "10.0.0.3"), "node");
    const successor = new ConnectionLedger(memory, 0, limits);
    first.retire();
    first.leave(one.place);
    assert.equal(bound(other, "10.0.0.3"), "in");
    assert.equal(bound(successor, "10.0.0.4"), "in");
    assert.equal(bound(successor, "10.0.0.5"), "node");
  });

  it("of this machine are free of the bound by address, if so configured", () => {
    const [free] = ledgers(1, { maxConnectionsPerIp: 1, limitLoopback: false });
    for (const address of ["127.0.0.1", "127.0.0.1", "::1", "::1"]) {
      assert.equal(bound(free, address), "in");
    }
    const [held] = ledgers(1, { maxConnectionsPerIp: 1, limitLoopback: true });
    assert.deepEqual([bound(held, "::1"), bound(held, "::1")], ["in", "address"]);
  });

  it("of one IPv6 network count together", () => {
    const [ledger] = ledgers(1, { maxConnectionsPerIp: 1 });
    assert.equal(bound(ledger, "2001:db8:1:2::1"), "in");
    assert.equal(bound(ledger, "2001:db8:1:2:ffff::9"), "address");
    assert.equal(bound(ledger, "2001:db8:1:3::1"), "in");
  });

  it("need a region that is there", () => {
    const limits = { maxConnections: 1, maxConnectionsPerIp: 1, limitLoopback: true };
    assert.throws(() => new ConnectionLedger(makeConnectionMemory(2), 2, limits), RangeError);
    assert.throws(() => new ConnectionLedger(makeConnectionMemory(2), -1, limits), RangeError);
  });

  it("are counted as a plain map counts them", () => {
    const step = fc.record({
      ledger: fc.nat(2),
      address: fc.nat(9),
      enters: fc.integer({ min: 0, max: 9 }).map((n) => n > 2),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limits = { maxConnections: 20, maxConnectionsPerIp: 4 };
        const all = ledgers(3, limits);
        const held: { ledger: number; address: number; place: Place }[] = [];
        for (const { ledger, address, enters } of steps) {
          if (!enters) {
            const gone = held.shift();
            if (gone !== undefined) all[gone.ledger]?.leave(gone.place);
            continue;
          }
          const mine = held.filter((one) => one.address === address).length;
          const expected = held.length >= 20 ? "node" : mine >= 4 ? "address" : "in";
          const entry = all[ledger]?.enter(`10.0.0.${address}`);
          assert.equal(entry?.ok === true ? "in" : entry?.bound, expected);
          if (entry?.ok === true) held.push({ ledger, address, place: entry.place });
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe("the network of an address", () => {
  for (const [address, network] of [
    ["10.0.0.1", "10.0.0.1"],
    ["", ""],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:0DB8:0001::1", "2001:db8:1:0"],
    ["::1", "0:0:0:0"],
    ["1::", "1:0:0:0"],
    ["::5:6:7:8", "0:0:0:0"],
    ["1:2:3:4::", "1:2:3:4"],
    ["1::3:4:5:6:7:8", "1:0:3:4"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    ["64:ff9b::192.0.2.33", "64:ff9b:0:0"],
    ["1:2:3::4:5:6.7.8.9", "1:2:3:0"],
  ] as const) {
    it(`${address} is ${network}`, () => assert.equal(selectNetwork(address), network));
  }
});
