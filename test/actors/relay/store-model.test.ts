import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { groupKinds, type MemberState } from "../../../actors/relay/group-kind.ts";
import type { StoreDatabase, StoreSync, StoreWrite } from "../../../actors/relay/store-database.ts";
import { NaiveStore } from "./naive-store.ts";
import { group, message, StoreFolder } from "./store-kit.ts";

const groupIds = ["g", '"', "\ud800", "\ud801"];
/** Not so long ago that it would be forgotten. */
const recent = Date.UTC(2026, 0, 1) - 1_000;
const userIds = ["anna", "bert", "__proto__", "\udfff"];

/** A write in the making: what follows in the group is known only when its turn has come. */
type Plan = (naive: NaiveStore, now: number) => StoreWrite;

const groupId = fc.constantFrom(...groupIds);
const plain = { noNullPrototype: true } as const;
const memberState: fc.Arbitrary<MemberState> = fc.record(
  {
    userId: fc.constantFrom(...userIds),
    role: fc.constantFrom("admin", "member"),
    status: fc.constantFrom("active", "pending", "muted"),
    joinedAt: fc.nat(9),
    version: fc.nat(9),
  },
  plain,
);
const someMembers = fc.uniqueArray(memberState, { selector: ({ userId }) => userId, maxLength: 3 });
const someRemoved = fc.uniqueArray(
  fc.record(
    { userId: fc.constantFrom(...userIds), removedAt: fc.nat(9).map((n) => recent + n) },
    plain,
  ),
  { selector: ({ userId }) => userId, maxLength: 3 },
);
const groupFields = fc.record(
  {
    kind: fc.constantFrom(...groupKinds),
    epoch: fc.constantFrom("one", "two"),
    createdAt: fc.nat(9),
  },
  plain,
);

const change: fc.Arbitrary<Plan> = fc
  .record({
    id: groupId,
    group: fc.option(groupFields, { freq: 3 }),
    gone: fc.subarray(userIds),
    removed: someRemoved,
    members: someMembers,
    count: fc.nat(4),
    // Mostly the next one; earlier ones are repeated, later ones leave a hole.
    shift: fc.constantFrom(0, 0, 0, 0, -2, 1),
  })
  .map(({ id, group: fields, gone, removed, members, count, shift }) => (naive, now) => {
    const offset = naive.groups.get(id)?.state.offset ?? 0;
    const first = Math.max(1, offset + 1 + shift);
    const messages = Array.from({ length: count }, (_, index) => message(first + index, now));
    const parts = { groupId: id, gone, removed, members, messages };
    return fields === null ? parts : { ...parts, group: fields };
  });

const replacement: fc.Arbitrary<Plan> = fc
  .record({
    id: groupId,
    fields: groupFields,
    members: someMembers,
    removed: someRemoved,
    offset: fc.nat(8),
  })
  .map(({ id, fields, members, removed, offset }) => (_, now) => {
    const messages = Array.from({ length: offset }, (_none, index) => message(index + 1, now));
    return { groupId: id, replace: group(id, offset, { ...fields, members, removed, messages }) };
  });

const deletion: fc.Arbitrary<Plan> = groupId.map((id) => () => ({ groupId: id, delete: true }));

type Step =
  | { readonly type: "batch"; readonly plans: readonly Plan[] }
  | { readonly type: "reopen"; readonly isCrash: boolean; readonly sync: StoreSync };

const batch: fc.Arbitrary<Step> = fc
  .array(
    fc.oneof(
      { arbitrary: change, weight: 8 },
      { arbitrary: replacement, weight: 2 },
      { arbitrary: deletion, weight: 1 },
    ),
    { maxLength: 6 },
  )
  .map((plans) => ({ type: "batch", plans }));

const reopening: fc.Arbitrary<Step> = fc.record({
  type: fc.constant("reopen"),
  isCrash: fc.boolean(),
  sync: fc.constantFrom<StoreSync[]>("interval", "full"),
});

const steps = fc.array(
  fc.oneof({ arbitrary: batch, weight: 4 }, { arbitrary: reopening, weight: 1 }),
  { maxLength: 12 },
);

function check(store: StoreDatabase, naive: NaiveStore, now: number): void {
  assert.deepEqual([...store.groupIds()].sort(), [...naive.groups.keys()].sort());
  for (const id of groupIds) {
    const expected = naive.groups.get(id) ?? null;
    assert.deepEqual(store.load(id, now), expected && { ...expected });
  }
}

test("a store holds what a plain model of it holds, over any writes, ends and crashes", (t) => {
  fc.assert(
    fc.property(steps, (all) => {
      const folder = new StoreFolder(t, { maxMessages: 5 });
      const naive = new NaiveStore(folder.limits);
      let sync: StoreSync = "full";
      let store = folder.open(sync);
      for (const step of all) {
        if (step.type === "batch") {
          const taken: boolean[] = [];
          const writes = step.plans.map((plan) => {
            const write = plan(naive, folder.now);
            taken.push(naive.write(write, folder.now));
            return write;
          });
          const outcomes = store.commit(writes, folder.now);
          assert.deepEqual(
            outcomes.map((refusal) => refusal === null),
            taken,
          );
        } else {
          if (step.isCrash) folder.crash();
          else store.close();
          if (step.isCrash && sync === "interval") naive.suspectAll();
          sync = step.sync;
          store = folder.open(sync);
        }
        check(store, naive, folder.now);
      }
      folder.crash();
    }),
    { numRuns: 60 },
  );
});
