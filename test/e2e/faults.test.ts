import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { bracketsAsArgument, type ClientFault, clientFaults } from "./client-faults.ts";
import { eventually, within } from "./deadline.ts";
import { fileScope, fixture, GatewayProcess, testScope } from "./gateway-process.ts";
import { encodeHeader, RawSocket } from "./raw-socket.ts";
import { answered, joinOnEach, type WireClient } from "./wire-client.ts";

const gateway = await GatewayProcess.start(fileScope(), {
  services: ["thread-service.ts", "faulty-service.ts"],
  config: fixture("no-breaker.config.ts"),
});

/** Less than a KiB for each of 1,000 repetitions: a socket or session that stays holds more. */
const maxGrownKiB = 900;

/** What must be the same before and after. */
interface Footprint {
  readonly actors: number;
  readonly sockets: number;
  readonly sessions: number;
  readonly inFlight: number;
  readonly pendingAsks: number;
}

async function inspect(): Promise<Footprint> {
  const { sockets, sessions, inFlight } = await gateway.command<Footprint>("health");
  const actors = (await gateway.command<unknown[]>("ps")).length;
  const { threads } = await gateway.command<{ threads: Thread[] }>("threads");
  const pendingAsks = threads.reduce((sum, one) => sum + one.pendingAsks + one.linkAsks.asking, 0);
  return { actors, sockets, sessions, inFlight, pendingAsks };
}

interface Thread {
  readonly pendingAsks: number;
  readonly linkAsks: { readonly asking: number };
}

/** What lives on the heaps of both threads, bytes; asked through a client of each. */
async function heapBytes(witnesses: readonly WireClient[]): Promise<number> {
  let sum = 0;
  for (const witness of witnesses) {
    const response = await witness.call("faulty_service", "heap");
    sum += Number(response?.result);
  }
  return sum;
}

/** Does `fault` so often, a few at a time. */
async function repeat(fault: ClientFault, count: number): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await fault(gateway);
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}

/** While `work` goes on, a client on each thread calls; every call of theirs succeeds. */
async function unharmed(witnesses: readonly WireClient[], work: () => Promise<void>) {
  let isEnough = false;
  const pumps = witnesses.map((client) =>
    client.pump(
      1,
      () => ["echo_service", "echo", { message: "meanwhile" }],
      () => isEnough,
      5,
    ),
  );
  try {
    await work();
  } finally {
    isEnough = true;
    await within(Promise.all(pumps), "the others' calls end");
  }
  for (const { tally, isClosed } of witnesses) {
    assert.equal(isClosed, false);
    assert.deepEqual([...tally.codes.keys()], ["ok"]);
    assert.deepEqual([tally.sent, tally.lost, tally.strays], [answered(tally), 0, 0]);
  }
}

async function survives(t: TestContext, fault: ClientFault): Promise<void> {
  const witnesses = [...(await joinOnEach(testScope(t), gateway, [1, 2], 1)).values()].flat();
  await unharmed(witnesses, () => repeat(fault, 100));
  const isQuiet = ({ inFlight, pendingAsks, sockets }: Footprint): boolean =>
    inFlight === 0 && pendingAsks === 0 && sockets === witnesses.length;
  const before = await eventually(inspect, isQuiet, "the gateway is quiet");
  const grownKiB: number[] = [];
  let heap = await heapBytes(witnesses);
  // Code that gets warm makes the heap grow as well, but not again and again as a leak does.
  do {
    await unharmed(witnesses, () => repeat(fault, 1_000));
    await eventually(inspect, isQuiet, "the gateway is quiet again");
    assert.deepEqual(await inspect(), before);
    const now = await heapBytes(witnesses);
    grownKiB.push(Math.round((now - heap) / 1_024));
    heap = now;
  } while ((grownKiB.at(-1) ?? 0) > maxGrownKiB && grownKiB.length < 4);
  t.diagnostic(`${grownKiB.join(", ")} KiB more on the heaps`);
  assert.ok((grownKiB.at(-1) ?? 0) <= maxGrownKiB, `${grownKiB.join(", ")} KiB`);
}

describe("1,000 clients leave nothing behind, and harm nobody, with", () => {
  for (const [name, fault] of Object.entries(clientFaults)) {
    it(name, (t) => survives(t, fault));
  }
});

describe("once is enough for", () => {
  it("100,000 brackets as an argument", async (t) => {
    const witnesses = [...(await joinOnEach(testScope(t), gateway, [1, 2], 1)).values()].flat();
    await unharmed(witnesses, () => bracketsAsArgument(100_000)(gateway));
  });

  it("a million bytes of garbage, and a frame of 10 MB", async (t) => {
    const witnesses = [...(await joinOnEach(testScope(t), gateway, [1, 2], 1)).values()].flat();
    await unharmed(witnesses, async () => {
      const plain = new RawSocket(gateway);
      const noise = Uint8Array.from({ length: 1_000_000 }, (_, index) => (index * 89) % 256);
      plain.socket.write(noise);
      assert.match((await plain.received).toString(), /^HTTP\/1\.1 400 /);
      const noisy = await RawSocket.upgraded(gateway);
      noisy.socket.write(noise);
      assert.equal(await noisy.closeCode(), 1002);
      const large = await RawSocket.upgraded(gateway);
      large.socket.write(Buffer.concat([encodeHeader(10_000_000), Buffer.alloc(10_000_000, "[")]));
      assert.equal(await large.closeCode(), 1009);
    });
  });
});

it("after all that, memory is what it was", async (t) => {
  const { threads } = await gateway.command<{ threads: { heapUsedBytes: number }[] }>("threads");
  const rssMiB = Math.round((await gateway.rssBytes()) / 2 ** 20);
  t.diagnostic(
    `${rssMiB} MiB resident, ${threads.map((one) => one.heapUsedBytes >> 20)} MiB heaps`,
  );
  assert.ok(rssMiB < 1_000, `${rssMiB} MiB`);
});
