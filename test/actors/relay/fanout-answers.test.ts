import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accepted,
  asGroup,
  FanoutKit,
  found,
  present,
  takeClaim,
  takeEnter,
  wanted,
} from "./fanout-kit.ts";
import { Threads } from "./threads-kit.ts";

// What becomes of a group's answers that come when something else has happened in between.

test("who joins behind somebody that has gone before the answer is told who is here", async () => {
  const threads = await Threads.start("public");
  await threads.join(1, "zoe");
  await threads.kernel.advance(200);
  const kit = threads.kit(0);
  const [ann, bob] = [kit.client("ann"), kit.client("bob")];
  for (const { session } of [ann, bob]) kit.tell.enter(session, "g", {});
  await kit.settle();
  const [search] = kit.searches.splice(0);
  assert.ok(search !== undefined && threads.group !== null);
  search.answer({ ok: true, group: threads.group, isNew: false });
  // The group has let both in before it hears that one has gone.
  await new Promise(setImmediate);
  kit.tell.exit(ann.session);
  await threads.kernel.settle();
  await threads.kernel.advance(200);
  const users = new Set<string>();
  for (const line of bob.channel.taken()) {
    const [event, text = ""] = line.split(/ (.*)/);
    const it = JSON.parse(text);
    if (event === "presence_state") for (const user of Object.keys(it)) users.add(user);
    if (event !== "presence_diff") continue;
    assert.ok(users.size > 0, "the state comes first");
    for (const user of Object.keys(it.joins)) users.add(user);
    for (const user of Object.keys(it.leaves)) users.delete(user);
  }
  assert.deepEqual([...users].sort(), ["bob", "zoe"]);
});

test("the presence that came with the answer to one who has gone is there for the next one", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const [ann, bob] = [kit.client("ann"), kit.client("bob")];
  kit.tell.enter(ann.session, "g", {});
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  await kit.found(group);
  const [first, second] = [takeEnter(group), takeEnter(group)];
  await kit.exit(ann.session);
  kit.tell.entered("g", first.no, accepted("ann", { presence: present("r1") }));
  kit.tell.presence("g", { joins: present("r2"), leaves: present("r1") });
  kit.tell.entered("g", second.no, accepted("bob"));
  await kit.settle();
  const state = 'presence_state {"r2\'s user":{"metas":[{"phx_ref":"r2"}]}}';
  assert.deepEqual(bob.channel.taken().slice(1), [state]);
});

test("who joins while the last one leaves is told who is here", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann", { presence: present("r1") });
  const bob = kit.client("bob");
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  const { no } = takeEnter(group);
  await kit.exit(ann.session);
  kit.tell.entered("g", no, accepted("bob"));
  await kit.settle();
  assert.match(String(bob.channel.taken().slice(1)), /^presence_state .*r1/);
});

test("a session that joins once more gets nothing twice, and is told so", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { session, channel } = await kit.joinApi(group, "ann");
  for (const offset of [1, 2]) kit.tell.deliver("g", offset, `m${offset}`);
  await kit.settle();
  channel.taken();
  for (const [since, recovered] of [
    [0, false],
    [null, null],
  ] as const) {
    const joining = kit.ref.ask.join(wanted(session, { since }));
    await kit.settle();
    const missed = since === null ? [] : ["m1", "m2"];
    const answer = { offset: 2, recovered: since === null ? null : true, missed };
    kit.tell.entered("g", takeEnter(group).no, accepted("ann", answer));
    const told = await kit.kernel.until(joining);
    assert.equal(told.ok && told.recovered, recovered);
  }
  kit.tell.deliver("g", 3, "m3");
  await kit.settle();
  assert.deepEqual(channel.taken(), ["msg m3"]);
});

test("what a group answered before it was claimed anew is not heard: it is asked again", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann");
  const bob = kit.client("bob");
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  takeEnter(group);
  kit.tell.fellBehind("g", asGroup(group));
  await kit.settle();
  const claim = takeClaim(group);
  const { no } = takeEnter(group);
  kit.tell.entered("g", no, accepted("bob"));
  kit.tell.reentered("g", found(claim));
  await kit.settle();
  assert.deepEqual(bob.channel.taken(), []);
  kit.tell.entered("g", no, accepted("bob"));
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  const [joined, ...rest] = bob.channel.taken();
  assert.match(String(joined), /^joined/);
  assert.deepEqual(rest, ["msg m1"]);
  assert.equal(ann.channel.taken().at(-1), "msg m1");
  group.record.expectNothing();
});

test("what a group that goes on does not keep any more is told to be missing", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { channel } = await kit.join(group, "ann");
  kit.tell.fellBehind("g", asGroup(group));
  await kit.settle();
  kit.tell.reentered("g", found(takeClaim(group), { offset: 3 }));
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  const gap = '"from":1,"to":3,"reason":"lost"}';
  assert.deepEqual(channel.taken().slice(1), [
    `relay_gap {"group_id":"g","epoch":"e1",${gap}`,
    "msg m4",
  ]);
});

test("a fan-out that has nobody in a group any more still claims it when it fell behind", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  kit.tell.fellBehind("g", asGroup(group));
  await kit.settle();
  assert.deepEqual(takeClaim(group).members, []);
  await kit.kernel.advance(30_000);
  assert.equal(kit.searches.length, 0);
});

test("a group that closes at once whenever it is found is not looked for all the time", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { session } = kit.client("ann");
  kit.tell.enter(session, "g", {});
  await kit.settle();
  let searches = 0;
  for (let ms = 0; ms < 1_000; ms += 5) {
    for (const search of kit.searches.splice(0)) {
      searches += 1;
      search.answer({ ok: true, group: asGroup(group), isNew: false });
      await kit.settle();
      kit.tell.closed("g");
    }
    await kit.kernel.advance(5);
  }
  assert.ok(searches >= 3 && searches <= 12, `${searches} searches in a second`);
});
