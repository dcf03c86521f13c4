import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { type TableChange, TableReplica, type TableSnapshot } from "../../../runtime/core/index.ts";

const sorted = (entries: Iterable<readonly [string, number]>) =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

test("changes are taken in the order of their versions, others dropped", () => {
  const replica = new TableReplica<number>("t");
  const epoch = replica.beginEpoch();
  assert.equal(replica.apply(epoch, 1, { op: "set", key: "a", value: 1 }), true);
  assert.equal(replica.apply(epoch, 1, { op: "set", key: "a", value: 9 }), false);
  assert.equal(replica.apply(epoch, 3, { op: "set", key: "a", value: 9 }), false);
  assert.equal(replica.apply(epoch, 2, { op: "set", key: "b", value: 2 }), true);
  assert.deepEqual(sorted(replica.entries()), [
    ["a", 1],
    ["b", 2],
  ]);
  assert.deepEqual(replica.position, { epoch, version: 2 });
});

test("an earlier writer is ignored once another has begun", () => {
  const replica = new TableReplica<number>("t");
  const old = replica.beginEpoch();
  replica.apply(old, 1, { op: "set", key: "a", value: 1 });
  const fresh = replica.beginEpoch();
  assert.equal(replica.apply(old, 2, { op: "delete", key: "a" }), false);
  assert.equal(replica.get("a"), 1, "the new writer goes on from what there was");
  assert.equal(replica.apply(fresh, 1, { op: "set", key: "a", value: 2 }), true);
  assert.equal(replica.get("a"), 2);
});

test("a snapshot is adopted only when it is newer; listeners hear the difference", () => {
  const writer = new TableReplica<number>("t");
  const epoch = writer.beginEpoch();
  writer.apply(epoch, 1, { op: "set", key: "a", value: 1 });
  const old = writer.snapshot();
  writer.apply(epoch, 2, { op: "set", key: "b", value: 2 });
  writer.apply(epoch, 3, { op: "delete", key: "a" });

  const reader = new TableReplica<number>("t");
  assert.equal(reader.adopt(old), true);
  const heard: TableChange<number>[] = [];
  const unsubscribe = reader.onChange((change) => heard.push(change));
  assert.equal(reader.adopt(writer.snapshot()), true);
  assert.equal(reader.adopt(old), false);
  assert.equal(reader.adopt(writer.snapshot()), false);
  assert.deepEqual(heard, [
    { op: "delete", key: "a" },
    { op: "set", key: "b", value: 2 },
  ]);
  unsubscribe();
  reader.apply(epoch, 4, { op: "clear" });
  assert.equal(heard.length, 2);
  assert.equal(reader.size, 0);
});

type Message =
  | { readonly snapshot: TableSnapshot<number> }
  | { readonly epoch: number; readonly version: number; readonly change: TableChange<number> };

const key = fc.constantFrom("a", "b", "c", "__proto__");
const writing = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ op: fc.constant("set" as const), key, value: fc.nat(99) }),
    },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("delete" as const), key }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("clear" as const) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant("snapshot" as const) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant("newWriter" as const) }) },
  ),
  { minLength: 1, maxLength: 40 },
);

test("whatever order changes and snapshots arrive in, a replica holds what the writer held at its position", () => {
  fc.assert(
    fc.property(writing, fc.infiniteStream(fc.nat()), (script, picks) => {
      const writer = new TableReplica<number>("t");
      const messages: Message[] = [];
      const history = new Map<string, (readonly [string, number])[]>();
      const position = (table: TableReplica<number>) =>
        `${table.position.epoch}.${table.position.version}`;
      const remember = () => history.set(position(writer), sorted(writer.entries()));
      remember();
      writer.beginEpoch();
      remember();
      for (const step of script) {
        if (step.op === "snapshot") messages.push({ snapshot: writer.snapshot() });
        else if (step.op === "newWriter") {
          writer.beginEpoch();
          messages.push({ snapshot: writer.snapshot() });
        } else {
          const { epoch, version } = writer.position;
          writer.apply(epoch, version + 1, step);
          messages.push({ epoch, version: version + 1, change: step });
        }
        remember();
      }
      const reader = new TableReplica<number>("t");
      const told = new Map<string, number>();
      reader.onChange((change) => {
        if (change.op === "set") told.set(change.key, change.value);
        else if (change.op === "delete") told.delete(change.key);
        else told.clear();
      });
      // Out of order, with repetitions and gaps: each pick delivers one of the messages.
      for (const pick of picks.take(messages.length * 2)) {
        const message = messages[pick % Math.max(1, messages.length)];
        if (message === undefined) continue;
        if ("snapshot" in message) reader.adopt(message.snapshot);
        else reader.apply(message.epoch, message.version, message.change);
        assert.deepEqual(sorted(reader.entries()), history.get(position(reader)));
        assert.deepEqual(sorted(told), sorted(reader.entries()));
      }
      reader.adopt(writer.snapshot());
      assert.equal(position(reader), position(writer));
      assert.deepEqual(sorted(reader.entries()), sorted(writer.entries()));
      assert.deepEqual(sorted(told), sorted(writer.entries()));
    }),
  );
});

test("changes that follow a snapshot in order are enough to converge", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ op: fc.constant("set" as const), key, value: fc.nat() })),
      fc.nat(),
      (changes, late) => {
        const writer = new TableReplica<number>("t");
        const epoch = writer.beginEpoch();
        const reader = new TableReplica<number>("t");
        const joinsAt = changes.length === 0 ? 0 : late % changes.length;
        changes.forEach((change, index) => {
          if (index === joinsAt) reader.adopt(writer.snapshot());
          writer.apply(epoch, index + 1, change);
          reader.apply(epoch, index + 1, change);
        });
        assert.deepEqual(sorted(reader.entries()), sorted(writer.entries()));
      },
    ),
  );
});
