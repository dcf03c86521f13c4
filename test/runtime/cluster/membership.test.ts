import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Membership,
  type MembershipAction,
  type MembershipEvent,
} from "../../../runtime/cluster/membership.ts";

const self = "self@h:1";
const a = "a@h:1";
const b = "b@h:1";

function setUp(random: () => number = () => 0) {
  const membership = new Membership({ self, redialMaxMs: 10_000, random });
  let now = 0;
  return {
    membership,
    advance: (ms: number) => {
      now += ms;
    },
    /** The actions in short. */
    decide: (event: MembershipEvent) => membership.decide(event, now).map(shorten),
    /** Lets the time come at which something is due; how long that took. */
    waitForTick: (): number => {
      const waitedMs = membership.dueAt - now;
      now = membership.dueAt;
      return waitedMs;
    },
  };
}

function shorten(action: MembershipAction): string {
  switch (action.type) {
    case "dial":
      return `dial ${action.name} ${action.attempt}`;
    case "drop":
      return `drop ${action.name}: ${action.reason}`;
    case "publish":
      return `publish ${action.peer.name}#${action.peer.incarnation} ${action.peer.roles}`.trim();
    case "remove":
      return `remove ${action.name}: ${action.reason}${action.isOrderly ? ", orderly" : ""}`;
  }
}

const discovered = (...names: string[]): MembershipEvent => ({
  ...{ type: "discovered", source: "join", names },
});
const peer = (name: string, incarnation = 1, ...roles: string[]) => ({ name, incarnation, roles });
const up = (name: string, attempt: number, incarnation = 1, ...roles: string[]) =>
  ({ type: "up", name, attempt, peer: peer(name, incarnation, ...roles) }) as const;
const tick = { type: "tick" } as const;

test("a discovered node is dialled at once and published when its link is up", () => {
  const t = setUp();
  assert.deepEqual(t.decide(discovered(self, a, b)), [`dial ${a} 1`, `dial ${b} 2`]);
  assert.deepEqual(t.decide(up(a, 1, 7, "service")), [`publish ${a}#7 service`]);
  assert.deepEqual(t.membership.up(), [peer(a, 7, "service")]);
  assert.deepEqual(t.decide(discovered(a, b)), [], "known ones are not dialled twice");
  assert.equal(t.membership.dueAt, Number.POSITIVE_INFINITY);
});

test("redials after a delay that doubles up to the bound, with full jitter", () => {
  const delays = (random: () => number): number[] => {
    const t = setUp(random);
    let actions = t.decide(discovered(a));
    return Array.from({ length: 9 }, (_, index) => {
      assert.deepEqual(actions, [`dial ${a} ${index + 1}`]);
      assert.deepEqual(t.decide({ type: "failed", name: a, attempt: index + 1 }), []);
      const waitedMs = t.waitForTick();
      actions = t.decide(tick);
      return waitedMs;
    });
  };
  assert.deepEqual(
    delays(() => 0),
    [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000],
  );
  assert.deepEqual(
    delays(() => 0.5),
    [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
  );
  assert.ok(delays(() => 0.999_999).every((delayMs) => delayMs >= 1));
});

test("a link that held long begins the delays anew, a short one goes on with them", () => {
  const t = setUp();
  t.decide(discovered(a));
  t.decide({ type: "failed", name: a, attempt: 1 });
  t.waitForTick();
  t.decide(tick);
  t.decide(up(a, 2));
  t.advance(9_999);
  assert.deepEqual(t.decide({ type: "down", name: a, attempt: 2, reason: "cut" }), [
    `remove ${a}: cut`,
  ]);
  assert.equal(t.waitForTick(), 200);
  t.decide(tick);
  t.decide(up(a, 3));
  t.advance(10_000);
  t.decide({ type: "down", name: a, attempt: 3, reason: "cut" });
  assert.equal(t.waitForTick(), 100);
});

test("what comes of an earlier dial counts for nothing", () => {
  const t = setUp();
  t.decide(discovered(a));
  t.decide({ type: "failed", name: a, attempt: 1 });
  t.waitForTick();
  t.decide(tick);
  assert.deepEqual(t.decide(up(a, 1)), []);
  assert.deepEqual(t.decide({ type: "failed", name: a, attempt: 1 }), []);
  assert.deepEqual(t.membership.up(), []);
  assert.deepEqual(t.decide(up(a, 2)), [`publish ${a}#1`]);
  assert.deepEqual(t.decide({ type: "down", name: a, attempt: 1, reason: "late" }), []);
  assert.deepEqual(t.decide(up(b, 9)), [], "nor what is of a node that nobody dialled");
});

test("a node that connects to this one is dialled at once, and only once", () => {
  const t = setUp();
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a) }), [`dial ${a} 1`]);
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a) }), [], "it is being dialled");
  t.decide({ type: "failed", name: a, attempt: 1 });
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a) }), [`dial ${a} 2`], "it need not wait");
  assert.deepEqual(t.decide({ type: "seen", peer: peer(self) }), []);
});

test("a dial that hangs is given up for a new one when the node is seen", () => {
  const t = setUp();
  t.decide(discovered(a));
  t.advance(1_000);
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a) }), [
    `drop ${a}: the dial hung`,
    `dial ${a} 2`,
  ]);
});

test("a node that was started anew replaces its earlier life", () => {
  const t = setUp();
  t.decide(discovered(a));
  t.decide(up(a, 1, 5));
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a, 4) }), [], "word of a life before");
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a, 5) }), []);
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a, 6) }), [
    `remove ${a}: it was started anew`,
    `drop ${a}: it was started anew`,
    `dial ${a} 2`,
  ]);
  assert.deepEqual(t.decide({ type: "down", name: a, attempt: 1, reason: "dropped" }), []);
  assert.deepEqual(t.decide(up(a, 2, 6)), [`publish ${a}#6`]);
});

test("a node that leaves is forgotten until it is seen; one of a list is dialled at leisure", () => {
  const t = setUp();
  t.decide(discovered(a));
  t.decide(up(a, 1));
  t.decide({ type: "seen", peer: peer(b) });
  t.decide(up(b, 2));
  assert.deepEqual(t.decide({ type: "left", name: b, attempt: 2, reason: "bye" }), [
    `remove ${b}: bye, orderly`,
  ]);
  assert.equal(t.membership.knows(b), false);
  t.decide({ type: "left", name: a, attempt: 1, reason: "bye" });
  assert.equal(t.waitForTick(), 10_000);
  assert.deepEqual(t.decide(tick), [`dial ${a} 3`]);
  assert.deepEqual(t.decide({ type: "seen", peer: peer(b, 2) }), [`dial ${b} 4`]);
});

test("a node that no list names is forgotten when nothing was heard of it for long", () => {
  const t = setUp();
  t.decide({ type: "heard_of", names: [b] });
  t.decide(discovered(a));
  let attempt = 0;
  const fail = () => {
    for (const name of [a, b]) {
      for (let i = 0; i <= attempt; i += 1) t.decide({ type: "failed", name, attempt: i });
    }
  };
  for (let round = 0; round < 70 && t.membership.knows(b); round += 1) {
    attempt += 2;
    fail();
    t.advance(10_000);
    t.decide(tick);
  }
  assert.equal(t.membership.knows(b), false);
  assert.equal(t.membership.knows(a), true);
});

test("a source takes back the names that it no longer tells", () => {
  const t = setUp();
  t.decide({ type: "discovered", source: "dns", names: [a] });
  t.decide(up(a, 1));
  t.decide({ type: "discovered", source: "dns", names: [] });
  assert.deepEqual(t.membership.up(), [peer(a)], "who is up stays");
  t.decide({ type: "left", name: a, attempt: 1, reason: "bye" });
  assert.equal(t.membership.knows(a), false);
});

test("roles that a node tells go before those of its handshake, for that life of it", () => {
  const t = setUp();
  assert.deepEqual(t.decide({ type: "roles", peer: peer(a, 5, "new") }), [`dial ${a} 1`]);
  assert.deepEqual(t.decide(up(a, 1, 5, "old")), [`publish ${a}#5 new`]);
  assert.deepEqual(t.decide({ type: "roles", peer: peer(a, 5, "new") }), [], "no change");
  assert.deepEqual(t.decide({ type: "roles", peer: peer(a, 5) }), [`publish ${a}#5`]);
  assert.deepEqual(t.decide({ type: "roles", peer: peer(a, 4, "older") }), []);
  t.decide({ type: "down", name: a, attempt: 1, reason: "cut" });
  t.waitForTick();
  t.decide(tick);
  assert.deepEqual(t.decide(up(a, 2, 6, "old")), [`publish ${a}#6 old`]);
});

test("after leaving, nothing is dialled and nothing is up", () => {
  const t = setUp();
  t.decide(discovered(a, b, "c@h:1"));
  t.decide(up(a, 1));
  t.decide({ type: "failed", name: b, attempt: 2 });
  assert.deepEqual(t.decide({ type: "leave", reason: "stopping" }), [
    `remove ${a}: stopping, orderly`,
    `drop ${a}: stopping`,
    "drop c@h:1: stopping",
  ]);
  assert.deepEqual(t.decide({ type: "seen", peer: peer(a) }), []);
  assert.deepEqual(t.decide(discovered(a)), []);
  assert.equal(t.membership.dueAt, Number.POSITIVE_INFINITY);
  assert.deepEqual(t.membership.up(), []);
});
