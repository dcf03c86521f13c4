import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActorRef } from "#runtime";
import { LocalReplicas, selectOnNodes } from "../../../actors/replicas/replica-directory.ts";
import { fakeReplica } from "./fake-replicas.ts";

function refOf(id: number): ActorRef {
  return { node: 0, thread: 1, id, incarnation: 1, key: `0.1.${id}.1` } as ActorRef;
}

test("replicas keep their identity, and lists theirs until something changes", () => {
  const [one, two, three] = [refOf(1), refOf(2), refOf(3)];
  let members: readonly ActorRef[] = [one, two];
  const groups = { members: () => members, join: () => {}, leave: () => {} };
  const directory = new LocalReplicas({ groups, whereis: () => undefined });
  const query = { group: "service/a", pool: null };
  const before = directory.find(query);
  assert.deepEqual(
    before.map(({ key, node, ref }) => [key, node, ref]),
    [
      ["local/0.1.1.1", "local", one],
      ["local/0.1.2.1", "local", two],
    ],
  );
  assert.equal(directory.find(query), before);
  members = [one, two, three];
  const after = directory.find(query);
  assert.equal(after.length, 3);
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
});

test("a pool is its only replica", () => {
  let pool: ActorRef | undefined = refOf(7);
  const groups = { members: () => [refOf(1)], join: () => {}, leave: () => {} };
  const directory = new LocalReplicas({
    groups,
    whereis: (name) => (name === "pool/async" ? pool : undefined),
  });
  const query = { group: "service/a", pool: "pool/async" };
  const found = directory.find(query);
  assert.deepEqual(
    found.map(({ ref }) => ref),
    [pool],
  );
  assert.equal(directory.find(query), found);
  assert.deepEqual(directory.find({ ...query, pool: "pool/stream" }), []);
  pool = undefined;
  assert.deepEqual(directory.find(query), []);
});

test("a list of nodes keeps theirs; this node has two names", () => {
  const here = fakeReplica(1);
  const far = fakeReplica(2, 1, "b@host:1");
  const all = [here, far];
  assert.deepEqual(selectOnNodes(all, ["local"], null), [here]);
  assert.deepEqual(selectOnNodes(all, ["a@host:1"], "a@host:1"), [here]);
  assert.deepEqual(selectOnNodes(all, ["b@host:1"], "a@host:1"), [far]);
  assert.deepEqual(selectOnNodes(all, ["b@host:1", "local"], "a@host:1"), all);
  assert.deepEqual(selectOnNodes(all, ["c@host:1"], null), []);
  assert.deepEqual(selectOnNodes(all, [], "a@host:1"), []);
});
