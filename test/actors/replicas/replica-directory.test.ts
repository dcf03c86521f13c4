import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActorRef } from "#runtime";
import { GroupReplicas, selectOnNodes } from "../../../actors/replicas/replica-directory.ts";
import { fakeReplica } from "./fake-replicas.ts";

const B = "b@host:1";
const C = "c@host:1";

function refOf(id: number, node = "0"): ActorRef {
  return { node, thread: 1, id, incarnation: 1, key: `${node}.1.${id}.1` } as ActorRef;
}

/** Groups and names as a thread has them; each list is kept until it is set anew. */
class Thread {
  readonly members = new Map<string, readonly ActorRef[]>();
  readonly pools = new Map<string, ActorRef>();
  readonly #local = new Map<readonly ActorRef[], readonly ActorRef[]>();
  readonly directory: GroupReplicas = new GroupReplicas({
    groups: {
      members: (group) => this.#listOf(group),
      localMembers: (group) => this.#localOf(this.#listOf(group)),
      join: () => {},
      leave: () => {},
    },
    whereis: (name, node = "0") => this.pools.get(`${name} ${node}`),
  });

  #listOf(group: string): readonly ActorRef[] {
    if (!this.members.has(group)) this.members.set(group, []);
    return this.members.get(group) as readonly ActorRef[];
  }

  #localOf(list: readonly ActorRef[]): readonly ActorRef[] {
    let local = this.#local.get(list);
    if (local === undefined) {
      local = list.filter(({ node }) => node === "0");
      this.#local.set(list, local);
    }
    return local;
  }
}

const local = { group: "service/a", clusterGroup: null, pool: null };
const everywhere = { ...local, clusterGroup: "services/a" };

test("replicas keep their identity, and lists theirs until something changes", () => {
  const at = new Thread();
  const [one, two, three] = [refOf(1), refOf(2), refOf(3)];
  at.members.set("service/a", [one, two]);
  const before = at.directory.find(local);
  assert.deepEqual(
    before.map(({ key, node, ref }) => [key, node, ref]),
    [
      ["local/0.1.1.1", "local", one],
      ["local/0.1.2.1", "local", two],
    ],
  );
  assert.equal(at.directory.find(local), before);
  at.members.set("service/a", [one, two, three]);
  const after = at.directory.find(local);
  assert.equal(after.length, 3);
  assert.equal(after[0], before[0]);
  assert.equal(after[1], before[1]);
});

test("a function of this node alone has no replicas on others", () => {
  const at = new Thread();
  at.members.set("service/a", [refOf(1), refOf(2, B)]);
  assert.deepEqual(
    at.directory.find(local).map(({ node }) => node),
    ["local"],
  );
});

test("of this node the present state of the service counts, of others all that are in its group", () => {
  const at = new Thread();
  const [old, present, far] = [refOf(1), refOf(2), refOf(3, B)];
  at.members.set("service/a@2", [present]);
  at.members.set("services/a", [old, present, far]);
  const query = { ...everywhere, group: "service/a@2" };
  const found = at.directory.find(query);
  assert.deepEqual(
    found.map(({ key, node }) => [key, node]),
    [
      ["local/0.1.2.1", "local"],
      [`${B}/${B}.1.3.1`, B],
    ],
  );
  assert.equal(at.directory.find(query), found);
  at.members.set("services/a", [present, far, refOf(4, C)]);
  const more = at.directory.find(query);
  assert.deepEqual(
    more.map(({ node }) => node),
    ["local", B, C],
  );
  assert.equal(more[1], found[1]);
  at.members.set("services/a", []);
  assert.deepEqual(
    at.directory.find(query).map(({ node }) => node),
    ["local"],
  );
});

test("a pool is its only replica", () => {
  const at = new Thread();
  at.members.set("service/a", [refOf(1)]);
  at.pools.set("pool/async 0", refOf(7));
  const query = { ...local, pool: "pool/async" };
  const found = at.directory.find(query);
  assert.deepEqual(
    found.map(({ key }) => key),
    ["local/0.1.7.1"],
  );
  assert.equal(at.directory.find(query), found);
  assert.deepEqual(at.directory.find({ ...query, pool: "pool/stream" }), []);
  at.pools.clear();
  assert.deepEqual(at.directory.find(query), []);
});

test("each node that has the service offers its pool", () => {
  const at = new Thread();
  at.pools.set("pool/async 0", refOf(7));
  at.pools.set(`pool/async ${B}`, refOf(8, B));
  at.pools.set(`pool/async ${C}`, refOf(9, C));
  at.members.set("services/a", [refOf(1, B), refOf(2, B)]);
  const query = { ...everywhere, pool: "pool/async" };
  const found = at.directory.find(query);
  assert.deepEqual(
    found.map(({ key }) => key),
    [`${B}/${B}.1.8.1`],
  );
  assert.equal(at.directory.find(query), found);
  at.members.set("service/a", [refOf(5)]);
  at.members.set("services/a", [refOf(1, B), refOf(5), refOf(6, C)]);
  const all = at.directory.find(query);
  assert.deepEqual(
    all.map(({ node }) => node),
    ["local", B, C],
  );
  assert.equal(all[1], found[0]);
});

test("a list of nodes keeps theirs; this node has two names", () => {
  const here = fakeReplica(1);
  const far = fakeReplica(2, 1, B);
  const all = [here, far];
  const own = ["troupe", "a@host:1"];
  assert.deepEqual(selectOnNodes(all, ["local"], []), [here]);
  assert.deepEqual(selectOnNodes(all, ["a@host:1"], own), [here]);
  assert.deepEqual(selectOnNodes(all, ["troupe"], own), [here]);
  assert.deepEqual(selectOnNodes(all, [B], own), [far]);
  assert.deepEqual(selectOnNodes(all, [B, "local"], own), all);
  assert.deepEqual(selectOnNodes(all, [C], []), []);
  assert.deepEqual(selectOnNodes(all, [], own), []);
});
