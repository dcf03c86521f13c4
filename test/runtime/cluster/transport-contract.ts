import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Connection, Listener, Transport } from "../../../runtime/cluster/index.ts";
import { seededRandom } from "../../../runtime/core/index.ts";
import { ConnectionRecord } from "./connection-record.ts";

/** An implementation as the contract wants it. */
export interface TransportStage {
  readonly transport: Transport;
  readonly host: string;
  /** What the promise comes to; lets time pass where it does not pass by itself. */
  run<T>(promise: Promise<T>): Promise<T>;
}

/** Both sides of a connection. */
interface Pair {
  readonly dialled: ConnectionRecord;
  readonly accepted: ConnectionRecord;
  readonly listener: Listener;
}

const text = (...texts: string[]): Uint8Array[] => texts.map((it) => Buffer.from(it, "latin1"));

/** What holds of every transport. `start` makes a new one for each test. */
export function transportContract(
  name: string,
  start: (t: TestContext) => TransportStage | Promise<TransportStage>,
): void {
  const listen = async (
    t: TestContext,
    stage: TransportStage,
    port = 0,
    shared = false,
  ): Promise<{ listener: Listener; next: () => Promise<Connection> }> => {
    const come: Connection[] = [];
    let heard = (): void => {};
    const listener = await stage.run(
      stage.transport.listen({ host: stage.host, port, shared }, (connection) => {
        come.push(connection);
        t.after(() => connection.destroy());
        heard();
      }),
    );
    t.after(() => listener.close());
    const next = async (): Promise<Connection> => {
      while (come.length === 0) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      return come.shift() as Connection;
    };
    return { listener, next: () => stage.run(next()) };
  };

  const dial = (t: TestContext, stage: TransportStage, port: number): Connection => {
    const connection = stage.transport.dial(stage.host, port);
    t.after(() => connection.destroy());
    return connection;
  };

  const pair = async (t: TestContext, stage: TransportStage): Promise<Pair> => {
    const { listener, next } = await listen(t, stage);
    const dialled = new ConnectionRecord(dial(t, stage, listener.port));
    return { dialled, accepted: new ConnectionRecord(await next()), listener };
  };

  describe(`the ${name} transport`, () => {
    it("sends what was written before the connection stood, and answers", async (t) => {
      const stage = await start(t);
      const { listener, next } = await listen(t, stage);
      const dialled = new ConnectionRecord(dial(t, stage, listener.port));
      dialled.connection.write(text("a", "bc"));
      dialled.connection.write(text("d"));
      const accepted = new ConnectionRecord(await next());
      assert.equal(await stage.run(accepted.bytes(4)), "abcd");
      accepted.connection.write(text("", "e"));
      assert.equal(await stage.run(dialled.bytes(1)), "e");
      assert.equal(dialled.connection.peer, `${stage.host}:${listener.port}`);
      assert.match(accepted.connection.peer, /./);
    });

    it("keeps the order of bytes, both ways at once, however they are cut up", async (t) => {
      const stage = await start(t);
      const { dialled, accepted } = await pair(t, stage);
      const random = seededRandom(7);
      const sent: [Buffer[], Buffer[]] = [[], []];
      for (let n = 0; n < 200; n += 1) {
        for (const [side, { connection }] of [dialled, accepted].entries()) {
          const chunks = Array.from({ length: 1 + Math.floor(random() * 3) }, () =>
            Buffer.alloc(Math.floor(random() * (n % 50 === 0 ? 300_000 : 300)), n),
          );
          connection.write(chunks);
          sent[side as 0 | 1].push(...chunks);
        }
        if (n % 20 === 0) await stage.run(new Promise((resolve) => setImmediate(resolve)));
      }
      const [there, back] = sent.map((chunks) => Buffer.concat(chunks)) as [Buffer, Buffer];
      await stage.run(accepted.bytes(there.length));
      await stage.run(dialled.bytes(back.length));
      assert.ok(accepted.all.equals(there));
      assert.ok(dialled.all.equals(back));
    });

    it("keeps what came before the first handler for it, the end too", async (t) => {
      const stage = await start(t);
      const { listener, next } = await listen(t, stage);
      const dialled = new ConnectionRecord(dial(t, stage, listener.port));
      dialled.connection.write(text("early"));
      const accepted = await next();
      dialled.connection.end();
      const record = new ConnectionRecord(accepted);
      assert.equal(await stage.run(record.bytes(5)), "early");
      await stage.run(record.end());
      await stage.run(dialled.end());
    });

    it("gives a handler that is put in its place within data() all that follows", async (t) => {
      const stage = await start(t);
      const { listener, next } = await listen(t, stage);
      const dialled = new ConnectionRecord(dial(t, stage, listener.port));
      const accepted = await next();
      const first: Buffer[] = [];
      const handedOver = new Promise<ConnectionRecord>((resolve) => {
        accepted.handle({
          data: (bytes) => {
            first.push(Buffer.from(bytes));
            resolve(new ConnectionRecord(accepted));
          },
          drained: () => {},
          closed: () => assert.fail("the first handler is out"),
        });
      });
      dialled.connection.write(text("one"));
      const second = await stage.run(handedOver);
      dialled.connection.write(text("two"));
      const firstBytes = Buffer.concat(first).toString();
      await stage.run(second.bytes(6 - firstBytes.length));
      assert.equal(firstBytes + second.all.toString(), "onetwo");
      dialled.connection.destroy();
      await stage.run(second.end());
    });

    it("says how much waits, and when it has left", async (t) => {
      const stage = await start(t);
      const { dialled, accepted } = await pair(t, stage);
      dialled.connection.write(text("first"));
      await stage.run(accepted.bytes(5));
      assert.equal(dialled.connection.bufferedBytes, 0);
      const large = 48 * 1_024 * 1_024;
      const { drains } = dialled;
      dialled.connection.write([new Uint8Array(large)]);
      const waiting = dialled.connection.bufferedBytes;
      assert.ok(waiting > large / 4 && waiting <= large, `${waiting} of ${large} wait`);
      await stage.run(dialled.when(() => dialled.drains > drains));
      assert.equal(dialled.connection.bufferedBytes, 0);
      await stage.run(accepted.bytes(5 + large));
    });

    it("ends after what was written, and both sides hear of it once", async (t) => {
      const stage = await start(t);
      const { dialled, accepted } = await pair(t, stage);
      const large = 2 * 1_024 * 1_024;
      dialled.connection.write([new Uint8Array(large)]);
      dialled.connection.end();
      dialled.connection.write(text("too late"));
      await stage.run(accepted.end());
      await stage.run(dialled.end());
      assert.equal(accepted.all.length, large);
      accepted.connection.write(text("nowhere"));
      accepted.connection.end();
      accepted.connection.destroy();
      dialled.connection.destroy();
      await stage.run(new Promise((resolve) => setImmediate(resolve)));
      assert.deepEqual([accepted.reasons.length, dialled.reasons.length], [1, 1]);
      assert.equal(accepted.reasons[0], "closed by the other side");
    });

    it("is destroyed at once, though it is told afterwards", async (t) => {
      const stage = await start(t);
      const { dialled, accepted } = await pair(t, stage);
      dialled.connection.write(text("x"));
      await stage.run(accepted.bytes(1));
      dialled.connection.destroy();
      assert.deepEqual(dialled.reasons, []);
      dialled.connection.write(text("nowhere"));
      await stage.run(dialled.end());
      await stage.run(accepted.end());
      assert.equal(dialled.reasons[0], "closed by this side");
      assert.equal(accepted.all.toString(), "x");
      dialled.connection.destroy();
      await stage.run(new Promise((resolve) => setImmediate(resolve)));
      assert.deepEqual([accepted.reasons.length, dialled.reasons.length], [1, 1]);
    });

    it("closes a connection that nobody takes, with the reason", async (t) => {
      const stage = await start(t);
      const { listener } = await listen(t, stage);
      await stage.run(listener.close());
      const record = new ConnectionRecord(dial(t, stage, listener.port));
      record.connection.write(text("nowhere"));
      assert.match(await stage.run(record.end()), /^nobody listens there$/);
      record.connection.write(text("nowhere"));
      record.connection.end();
      await stage.run(new Promise((resolve) => setImmediate(resolve)));
      assert.equal(record.reasons.length, 1);
    });

    it("leaves what was accepted alone when the listener closes", async (t) => {
      const stage = await start(t);
      const { dialled, accepted, listener } = await pair(t, stage);
      await stage.run(listener.close());
      dialled.connection.write(text("still"));
      assert.equal(await stage.run(accepted.bytes(5)), "still");
    });

    it("refuses a port that is taken, unless it is shared", async (t) => {
      const stage = await start(t);
      const { listener } = await listen(t, stage);
      await assert.rejects(listen(t, stage, listener.port), { code: "port_taken" });
      const { listener: shared, next } = await listen(t, stage, 0, true);
      const { next: nextOfOther } = await listen(t, stage, shared.port, true);
      const dialled = new ConnectionRecord(dial(t, stage, shared.port));
      dialled.connection.write(text("any"));
      const record = new ConnectionRecord(await Promise.race([next(), nextOfOther()]));
      assert.equal(await stage.run(record.bytes(3)), "any");
    });
  });
}
