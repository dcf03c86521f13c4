import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ManualClock } from "#runtime/testing";
import type { ChooseNodeMode, Nodes } from "../../../actors/registry/index.ts";
import type { Replica } from "../../../actors/replicas/replica.ts";
import {
  ReplicaSelector,
  type SelectionCall,
  SelectionScope,
} from "../../../actors/replicas/replica-selector.ts";
import { fakeReplica, fakeReplicas } from "./fake-replicas.ts";

/** The nodes of each role. */
type Roles = Record<string, readonly string[]>;
const NO_ROLES: Roles = {};

function selectorOf(
  mode: ChooseNodeMode,
  { nodes = "local" as Nodes, seed = 1, ownName = null as string | null, roles = NO_ROLES } = {},
): ReplicaSelector {
  let state = seed;
  const random = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const scope = new SelectionScope(1, random, new ManualClock(), {
    own: () => (ownName === null ? [] : [ownName]),
    ofRole: (role) => roles[role] ?? [],
  });
  return new ReplicaSelector({ group: "g", config: { nodes, chooseNodeMode: mode } }, scope);
}

function callOf(requestId: string, args: Record<string, unknown> = {}): SelectionCall {
  const request = { requestId, requestType: "f", service: "s", version: null, deviceId: null };
  const info = { requestId, userId: null, userRoles: [], deviceId: null };
  return { request: { ...request, args }, info };
}

/** How many of `count` calls each replica gets. */
function spread(
  selector: ReplicaSelector,
  all: readonly Replica[],
  count: number,
  call: (index: number) => SelectionCall,
): number[] {
  const counts = new Map(all.map((replica) => [replica, 0]));
  for (let index = 0; index < count; index++) {
    const chosen = selector.first(all, call(index));
    assert.ok(chosen !== undefined);
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
  }
  return [...counts.values()];
}

describe("the modes", () => {
  const all = fakeReplicas(6);

  it("random: the own thread's", () => {
    const counts = spread(selectorOf("random"), all, 1_000, (n) => callOf(`r${n}`));
    all.forEach(({ ref }, index) => {
      const count = counts[index] as number;
      assert.ok(ref.thread === 1 ? count > 400 : count === 0, `${ref.thread}: ${count}`);
    });
  });

  it("random over named nodes: any, wherever it is", () => {
    const both = [fakeReplica(1), fakeReplica(2, 1, "b@host:1")];
    const selector = selectorOf("random", { nodes: ["local", "b@host:1"] });
    const counts = spread(selector, both, 1_000, (n) => callOf(`r${n}`));
    assert.ok(Math.min(...counts) > 400, `${counts}`);
  });

  it("hash: one request id, one replica; all of them, all replicas", () => {
    const [one, other] = [selectorOf("hash"), selectorOf("hash", { seed: 5 })];
    fc.assert(
      fc.property(fc.string(), (id) => {
        assert.equal(one.first(all, callOf(id)), other.first([...all].reverse(), callOf(id)));
      }),
    );
    const counts = spread(one, all, 6_000, (n) => callOf(`r${n}`));
    assert.ok(Math.min(...counts) > 800, `${counts}`);
  });

  it("{hash: arg}: by the argument; without it by the request id", () => {
    const selector = selectorOf({ hash: "room" });
    const rooms = spread(selector, all, 100, (n) => callOf(`r${n}`, { room: "lobby" }));
    assert.deepEqual(rooms.sort().slice(-2), [0, 100]);
    const without = spread(selector, all, 6_000, (n) => callOf(`r${n}`));
    assert.ok(Math.min(...without) > 800, `${without}`);
  });

  it("round_robin: each as often as any other, whatever number there is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(50), fc.nat(999), (n, rounds, seed) => {
        const replicas = fakeReplicas(n);
        const selector = selectorOf("round_robin", { seed: seed + 1 });
        const counts = spread(selector, replicas, n * rounds, () => callOf("r"));
        assert.deepEqual(counts, new Array(n).fill(rounds));
      }),
    );
  });

  it("round_robin: what is passed on takes nobody's turn", () => {
    const selector = selectorOf("round_robin");
    const replicas = fakeReplicas(4);
    const turns = Array.from({ length: 8 }, () => {
      const chosen = selector.first(replicas, callOf("r"));
      selector.next(
        replicas.filter((replica) => replica !== chosen),
        callOf("r"),
      );
      return chosen;
    });
    assert.equal(new Set(turns).size, 4);
    assert.deepEqual(turns.slice(0, 4), turns.slice(4));
  });

  it("round_robin: threads do not begin with the same replica", () => {
    const firsts = new Set<Replica | undefined>();
    for (let seed = 1; seed < 60; seed++) {
      firsts.add(selectorOf("round_robin", { seed: seed * 7_919 }).first(all, callOf("r")));
    }
    assert.equal(firsts.size, all.length);
  });

  it("least_loaded: the one with the fewest calls", () => {
    const replicas = fakeReplicas(3).map((replica, inFlight) =>
      Object.assign(replica, { inFlight: 5 - inFlight }),
    );
    assert.equal(selectorOf("least_loaded").first(replicas, callOf("r")), replicas[2]);
  });

  it("{sticky: arg}: stays when others join; one that is passed on does not move it", () => {
    const selector = selectorOf({ sticky: "room" });
    for (let index = 0; index < 50; index++) {
      const call = callOf("r", { room: index });
      const first = selector.first(all, call);
      const rest = all.filter((replica) => replica !== first);
      const second = selector.next(rest, call);
      assert.ok(second !== undefined && second !== first);
      assert.equal(selector.first([...all, ...fakeReplicas(6, 100)], call), first);
    }
  });

  it("{sticky: arg}: without the argument as random", () => {
    const counts = spread(selectorOf({ sticky: "room" }), all, 1_000, (n) => callOf(`r${n}`));
    assert.equal(counts.filter((count) => count > 400).length, 2);
  });

  it("choose nothing where there is nothing", () => {
    const modes = ["random", "hash", "round_robin", "least_loaded", { hash: "a" }, { sticky: "a" }];
    for (const mode of modes as ChooseNodeMode[]) {
      const selector = selectorOf(mode);
      assert.equal(selector.first([], callOf("r", { a: 1 })), undefined);
      assert.equal(selector.next([], callOf("r", { a: 1 })), undefined);
    }
  });
});

describe("the nodes", () => {
  const here = fakeReplica(1);
  const far = fakeReplica(2, 1, "b");
  const all = [here, far];

  it("local: all that the directory knows", () => {
    assert.equal(selectorOf("random").narrow(all, null), all);
  });

  it("a list: theirs, by either name of this node; the same list while nothing changes", () => {
    const selector = selectorOf("random", { nodes: ["a"], ownName: "a" });
    assert.deepEqual(selector.narrow(all, null), [here]);
    assert.equal(selector.narrow(all, null), selector.narrow(all, null));
    assert.deepEqual(selector.narrow([far], null), []);
    assert.equal(selector.resolver, null);
  });

  it("a role: those of the nodes that have it at the moment", () => {
    const [here, far] = [fakeReplica(1), fakeReplica(2, 1, "b@host:1")];
    const all = [here, far];
    const roles: Record<string, readonly string[]> = { service: ["b@host:1"] };
    const options = { nodes: { role: "service" }, ownName: "a@host:1", roles };
    const selector = selectorOf("random", options);
    const found = selector.narrow(all, null);
    assert.deepEqual(found, [far]);
    assert.equal(selector.narrow(all, null), found);
    roles["service"] = ["a@host:1", "b@host:1"];
    assert.deepEqual(selector.narrow(all, null), all);
    roles["service"] = [];
    assert.deepEqual(selector.narrow(all, null), []);
  });

  it("a resolver: those that it has given", () => {
    const nodes = { module: "file:///r.ts", function: "f", args: [] };
    const selector = selectorOf("random", { nodes });
    assert.equal(selector.resolver, nodes);
    assert.deepEqual(selector.narrow(all, ["b"]), [far]);
    assert.deepEqual(selector.narrow(all, []), []);
  });
});
