import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Membership, type MembershipEvent } from "../../../runtime/cluster/membership.ts";
import { seededRandom } from "../../../runtime/core/index.ts";

const names = ["a@h:1", "b@h:1", "c@h:1"];

/** The links of one node as they are outside of it, and what it knows of them. */
class World {
  readonly membership: Membership;
  now = 0;
  /** What is under way, by node: a dial or a link. */
  readonly links = new Map<string, { attempt: number; isUp: boolean }>();
  /** The rows of the table of nodes: the incarnation of each. */
  readonly rows = new Map<string, number>();
  readonly dialledAt = new Map<string, number>();

  constructor(seed: number) {
    const random = seededRandom(seed);
    this.membership = new Membership({ self: "self@h:1", redialMaxMs: 2_000, random });
  }

  decide(event: MembershipEvent): void {
    for (const action of this.membership.decide(event, this.now)) {
      switch (action.type) {
        case "dial":
          assert.equal(this.links.has(action.name), false, `two dials at once to ${action.name}`);
          this.links.set(action.name, { attempt: action.attempt, isUp: false });
          this.dialledAt.set(action.name, this.now);
          break;
        case "drop":
          assert.ok(this.links.delete(action.name), `nothing to drop of ${action.name}`);
          break;
        case "publish":
          this.rows.set(action.peer.name, action.peer.incarnation);
          break;
        case "remove":
          assert.ok(this.rows.delete(action.name), `${action.name} had no row`);
          break;
      }
    }
    this.check();
  }

  check(): void {
    const linked = names.filter((name) => this.links.get(name)?.isUp);
    assert.deepEqual([...this.rows.keys()].sort(), linked, "up exactly when the link is");
    assert.deepEqual(
      this.membership.up().map(({ name }) => name),
      linked,
    );
    for (const name of names) {
      if (!this.membership.knows(name) || this.links.has(name)) continue;
      assert.ok(this.membership.dueAt < Number.POSITIVE_INFINITY, `${name} waits for ever`);
    }
  }

  /** Ticks until it is `until`, as the keeper does. */
  advance(ms: number): void {
    const until = this.now + ms;
    while (this.membership.dueAt <= until) {
      this.now = Math.max(this.now, this.membership.dueAt);
      this.decide({ type: "tick" });
    }
    this.now = until;
  }
}

type Step = (world: World) => void;

const name = fc.constantFrom(...names);
const incarnation = fc.integer({ min: 1, max: 4 });

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 0, max: 5_000 }).map(
    (ms): Step =>
      (world) =>
        world.advance(ms),
  ),
  fc.subarray(names).map(
    (list): Step =>
      (world) => {
        world.decide({ type: "discovered", source: "join", names: list });
      },
  ),
  fc.subarray(names).map(
    (list): Step =>
      (world) => {
        world.decide({ type: "heard_of", names: [...list, "self@h:1"] });
      },
  ),
  fc.tuple(name, incarnation).map(
    ([of, life]): Step =>
      (world) => {
        world.decide({ type: "seen", peer: { name: of, incarnation: life, roles: [] } });
      },
  ),
  fc.tuple(name, incarnation).map(
    ([of, life]): Step =>
      (world) => {
        world.decide({ type: "roles", peer: { name: of, incarnation: life, roles: ["r"] } });
      },
  ),
  // What the network does to the dial or link that there is.
  fc.tuple(name, incarnation).map(
    ([of, life]): Step =>
      (world) => {
        const link = world.links.get(of);
        if (link === undefined || link.isUp) return;
        link.isUp = true;
        const peer = { name: of, incarnation: life, roles: [] };
        world.decide({ type: "up", name: of, attempt: link.attempt, peer });
      },
  ),
  fc.tuple(name, fc.boolean()).map(
    ([of, left]): Step =>
      (world) => {
        const link = world.links.get(of);
        if (link === undefined) return;
        world.links.delete(of);
        const { attempt, isUp } = link;
        if (!isUp) world.decide({ type: "failed", name: of, attempt });
        else world.decide({ type: left ? "left" : "down", name: of, attempt, reason: "gone" });
      },
  ),
  // Word of a link that was dropped.
  fc.tuple(name, fc.constantFrom("up", "down", "failed")).map(
    ([of, type]): Step =>
      (world) => {
        const attempt = (world.links.get(of)?.attempt ?? 1_000) - 1;
        const peer = { name: of, incarnation: 1, roles: [] };
        world.decide({ type, name: of, attempt, peer, reason: "late" } as MembershipEvent);
      },
  ),
);

test("a node is up exactly when its link is, no two dials run, and whoever is down is dialled", () => {
  fc.assert(
    fc.property(fc.integer(), fc.array(steps, { maxLength: 60 }), (seed, schedule) => {
      const world = new World(seed);
      for (const step of schedule) step(world);
      // The network rests: within the longest delay every known node that is down is dialled.
      const waiting = names.filter((of) => world.membership.knows(of) && !world.links.has(of));
      world.advance(10_000);
      for (const of of waiting) assert.ok(world.links.has(of), `${of} was not dialled`);
    }),
    { numRuns: 2_000 },
  );
});
