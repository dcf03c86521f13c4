import assert from "node:assert/strict";
import test from "node:test";
import type { GroupOrigin } from "../../../actors/relay/group-messages.ts";
import type { PresenceDiff, PresenceState } from "../../../actors/relay/presence.ts";
import { type FanoutView, GroupKit } from "./group-kit.ts";

const room: GroupOrigin = { type: "new", kind: "public", isDurable: false, creator: null };

/** The users of a state, each as often as it has sessions. */
function usersOf(state: PresenceState): string[] {
  return [...state].flatMap(([userId, metas]) => metas.map(() => userId)).sort();
}

function listDiff({ joins, leaves }: PresenceDiff): { joins: string[]; leaves: string[] } {
  return { joins: usersOf(joins), leaves: usersOf(leaves) };
}

/** The diffs that came since the last time. */
function told(view: FanoutView): { joins: string[]; leaves: string[] }[] {
  return view.diffs.splice(0).map(listDiff);
}

/** The presence in the answer of the last enter. */
function shownTo(view: FanoutView): string[] | null {
  const answer = view.answers.at(-1);
  assert.ok(answer?.ok);
  return answer.presence === null ? null : usersOf(answer.presence);
}

/** What somebody sees who was shown a state and then hears diffs, by the refs of the sessions. */
function seenBy(view: FanoutView, first: PresenceState): Set<string> {
  const refs = (state: PresenceState): string[] =>
    [...state.values()].flat().map((meta) => meta.phx_ref);
  const seen = new Set(refs(first));
  for (const { joins, leaves } of view.diffs) {
    for (const ref of refs(joins)) seen.add(ref);
    for (const ref of refs(leaves)) assert.ok(seen.delete(ref), "none leaves that was not there");
  }
  return seen;
}

test("a group that has grown beyond maxPresence shows none: for those who knew, all have left", async () => {
  const kit = await GroupKit.start(room, { maxPresence: 3 }, 3);
  await kit.enter(0, 1, "ann");
  const [answer] = kit.fanout(0).answers;
  assert.ok(answer?.ok && answer.presence !== null);
  await kit.enter(0, 2, "ann");
  await kit.enter(1, 1, "bob");
  await kit.advance(100);
  assert.equal(seenBy(kit.fanout(0), answer.presence).size, 3, "as many as it may show");
  await kit.enter(0, 3, "cem");
  await kit.advance(1_000);
  assert.equal(seenBy(kit.fanout(0), answer.presence).size, 0);
  assert.deepEqual(told(kit.fanout(1)).at(-1), { joins: [], leaves: ["ann", "ann", "bob"] });
});

test("who is new with the one that is too many is shown first, and leaves with the others", async () => {
  const kit = await GroupKit.start(room, { maxPresence: 2 }, 1);
  await kit.enter(0, 1, "ann");
  told(kit.fanout(0));
  await kit.enter(0, 2, "bob");
  await kit.enter(0, 3, "cem");
  assert.deepEqual(told(kit.fanout(0)), [
    { joins: ["bob"], leaves: [] },
    { joins: [], leaves: ["ann", "bob"] },
  ]);
});

test("a group that shows none does so for as long as it lives, however few are left", async () => {
  const kit = await GroupKit.start(room, { maxPresence: 1 }, 3);
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "bob");
  await kit.advance(1_000);
  told(kit.fanout(0));
  await kit.enter(1, 1, "cem");
  assert.equal(shownTo(kit.fanout(1)), null, "who comes later");
  await kit.exit(0, 2);
  await kit.exit(1, 1);
  await kit.enter(2, 1, "dan");
  assert.equal(shownTo(kit.fanout(2)), null, "who comes when few are left");
  await kit.enter(2, 2, "dan");
  kit.group.tell.reenter(kit.fanout(0).ref, kit.fanout(0).claim("room", "public", false));
  await kit.advance(1_000);
  assert.deepEqual(
    kit.fanouts.map((view) => told(view)),
    [[], [], []],
  );
});

test("where presence is switched off nobody is shown", async () => {
  const kit = await GroupKit.start(room, { presence: false });
  await kit.enter(0, 1, "ann");
  assert.equal(shownTo(kit.fanout(0)), null);
  await kit.enter(0, 2, "bob");
  await kit.advance(1_000);
  assert.deepEqual(told(kit.fanout(0)), []);
});

test("what changes within presenceIntervalMs is told in one diff, when that is over", async () => {
  const kit = await GroupKit.start(room, { presenceIntervalMs: 200 });
  await kit.enter(0, 1, "ann");
  await kit.advance(200);
  told(kit.fanout(0));
  await kit.enter(0, 2, "bob");
  await kit.advance(120);
  await kit.enter(0, 3, "cem");
  await kit.exit(0, 1);
  await kit.advance(79);
  assert.deepEqual(told(kit.fanout(0)), [], "it is not over yet");
  await kit.advance(1);
  assert.deepEqual(told(kit.fanout(0)), [{ joins: ["bob", "cem"], leaves: ["ann"] }]);
  await kit.advance(1_000);
  assert.deepEqual(told(kit.fanout(0)), [], "nothing is told twice");
});

test("who comes and goes within presenceIntervalMs was never there, who goes and comes is told anew", async () => {
  const kit = await GroupKit.start(room);
  await kit.enter(0, 1, "ann");
  await kit.enter(0, 2, "bob");
  await kit.advance(100);
  told(kit.fanout(0));
  await kit.enter(0, 3, "cem");
  await kit.exit(0, 3);
  await kit.advance(100);
  assert.deepEqual(told(kit.fanout(0)), [], "came and went");
  await kit.exit(0, 2);
  await kit.enter(0, 4, "bob");
  await kit.enter(0, 5, "dan");
  await kit.exit(0, 5);
  await kit.advance(100);
  assert.deepEqual(told(kit.fanout(0)), [{ joins: ["bob"], leaves: ["bob"] }]);
});

test("a fan-out whose first session comes is shown all, and those who wait are told at once", async () => {
  const kit = await GroupKit.start(room);
  await kit.enter(0, 1, "ann");
  await kit.advance(100);
  told(kit.fanout(0));
  await kit.enter(0, 2, "bob");
  await kit.enter(1, 1, "cem");
  assert.deepEqual(shownTo(kit.fanout(1)), ["ann", "bob", "cem"]);
  assert.deepEqual(told(kit.fanout(0)), [{ joins: ["bob", "cem"], leaves: [] }]);
  await kit.advance(100);
  assert.deepEqual(told(kit.fanout(0)), []);
});
