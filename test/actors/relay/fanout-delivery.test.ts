import assert from "node:assert/strict";
import { test } from "node:test";
import { slowBytes } from "../../../actors/relay/fanout-group.ts";
import {
  accepted,
  type FakeChannel,
  FanoutKit,
  member,
  present,
  takeEnter,
  takeTold,
} from "./fanout-kit.ts";

const gap = (fields: string): string => `relay_gap {"group_id":"g","epoch":"e1",${fields}}`;

test("a turn's messages are encoded once and are the same bytes for everybody", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const clients: FakeChannel[] = [];
  for (let i = 0; i < 5; i += 1) {
    const presence = i === 0 ? present() : null;
    clients.push((await kit.join(group, `user ${i}`, { presence })).channel);
  }
  const api = await kit.joinApi(group, "user 0");
  for (const { lines, framed } of [...clients, api.channel]) {
    lines.length = 0;
    framed.length = 0;
  }
  kit.tell.deliver("g", 1, "m1");
  kit.tell.presence("g", { joins: present("r1"), leaves: present() });
  kit.tell.deliver("g", 2, "m2");
  await kit.settle();
  const diff = 'presence_diff {"joins":{"r1\'s user":{"metas":[{"phx_ref":"r1"}]}},"leaves":{}}';
  for (const { lines } of clients) assert.deepEqual(lines, ["msg m1", diff, "msg m2"]);
  assert.deepEqual(api.channel.lines, ["msg m1", "msg m2"], "its presence is not of one group");
  const [first] = clients;
  for (const { framed } of clients) assert.deepEqual(framed, first?.framed);
  for (const { framed } of clients) {
    assert.ok(framed.every((frames, i) => frames === first?.framed[i]));
  }
  const encoded = clients.reduce((sum, channel) => sum + channel.encoded, 0);
  assert.equal(encoded, 3, "once for each push, whoever asked for it");
  assert.notEqual(api.channel.framed[0], first?.framed[0], "another form");
});

test("messages of one turn leave in one buffer", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { channel } = await kit.join(group, "ann");
  const { ref } = kit;
  for (let offset = 1; offset <= 3; offset += 1) ref.tell.deliver("g", offset, `m${offset}`);
  await kit.oneTurn();
  assert.equal(channel.framed.length, 1);
  assert.deepEqual(channel.taken().slice(1), ["msg m1", "msg m2", "msg m3"]);
});

test("a message that came before is not sent again", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { channel } = await kit.join(group, "ann", { offset: 3 });
  for (const offset of [2, 3, 4, 4, 3, 5]) kit.tell.deliver("g", offset, `m${offset}`);
  await kit.settle();
  assert.deepEqual(channel.taken().slice(1), ["msg m4", "msg m5"]);
});

test("who has a message from the answer of its join does not get it twice", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann", { offset: 3 });
  // What waits for the disk is in the history before it is delivered.
  const bob = await kit.join(group, "bob", { offset: 5, recovered: true, missed: ["m4", "m5"] });
  for (let offset = 4; offset <= 6; offset += 1) kit.tell.deliver("g", offset, `m${offset}`);
  kit.tell.deliver("g", 9, "m9");
  await kit.settle();
  const hole = gap('"from":7,"to":8,"reason":"lost"');
  const all = ["msg m4", "msg m5", "msg m6", hole, "msg m9"];
  assert.deepEqual(ann.channel.taken().slice(1), all);
  assert.deepEqual(bob.channel.taken().slice(1), all, "none of them twice");
  const cat = await kit.join(group, "cat", { offset: 11 });
  kit.tell.deliver("g", 11, "m11");
  kit.tell.deliver("g", 14, "m14");
  await kit.settle();
  assert.deepEqual(cat.channel.taken().slice(1), [
    gap('"from":12,"to":13,"reason":"lost"'),
    "msg m14",
  ]);
});

test("a slow one is passed over and told so; the others do not wait for it", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const ann = await kit.join(group, "ann", { presence: present() });
  const bob = await kit.join(group, "bob");
  for (const { channel } of [ann, bob]) channel.taken();
  const deliver = async (offset: number): Promise<void> => {
    kit.tell.deliver("g", offset, `m${offset}`);
    await kit.settle();
  };
  ann.channel.unreadBytes = slowBytes;
  await deliver(1);
  assert.deepEqual(ann.channel.taken(), ["msg m1"]);
  ann.channel.unreadBytes = slowBytes + 1;
  await deliver(2);
  assert.equal(ann.channel.roomsWanted, 1);
  ann.channel.unreadBytes = 10;
  await deliver(3);
  kit.tell.presence("g", { joins: present("r1"), leaves: present() });
  await kit.settle();
  assert.deepEqual(ann.channel.taken(), [], "not before it has taken all");
  kit.tell.room(ann.session);
  await deliver(4);
  const state = 'presence_state {"r1\'s user":{"metas":[{"phx_ref":"r1"}]}}';
  assert.deepEqual(ann.channel.taken(), [gap('"from":2,"to":3,"reason":"slow"'), state, "msg m4"]);
  assert.equal(ann.channel.roomsWanted, 1);
  kit.tell.room(ann.session);
  await kit.settle();
  assert.deepEqual(ann.channel.taken(), [], "told once");
  assert.deepEqual(
    bob.channel.taken().filter((line) => line.startsWith("msg")),
    ["msg m1", "msg m2", "msg m3", "msg m4"],
  );
});

test("room in the middle of a turn loses nothing", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { session, channel } = await kit.join(group, "ann");
  channel.unreadBytes = slowBytes + 1;
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  channel.unreadBytes = 0;
  kit.tell.deliver("g", 2, "m2");
  kit.tell.room(session);
  kit.tell.deliver("g", 3, "m3");
  await kit.oneTurn();
  assert.deepEqual(channel.taken().slice(1), [
    gap('"from":1,"to":1,"reason":"slow"'),
    "msg m2",
    "msg m3",
  ]);
});

test("a slow one that also misses what was lost is told of both at once", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const { session, channel } = await kit.join(group, "ann");
  channel.unreadBytes = slowBytes + 1;
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  channel.unreadBytes = 0;
  kit.tell.room(session);
  await kit.settle();
  assert.deepEqual(channel.taken().slice(1), [gap('"from":1,"to":4,"reason":"lost"')]);
});

test("a slow one is disconnected where that is the policy", async () => {
  const kit = await FanoutKit.start({ slowMember: "disconnect" });
  const group = await kit.probe();
  const { session, channel } = await kit.join(group, "ann");
  channel.unreadBytes = slowBytes + 1;
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  assert.deepEqual(channel.taken().slice(1), ["disconnected"]);
  assert.equal(channel.roomsWanted, 0);
  await kit.exit(session);
  assert.equal(takeTold(group), `exit [${session}]`);
});

test("who has much to take at once when it comes is not slow before it has taken that", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  await kit.join(group, "ann", { offset: 2 });
  const bob = kit.client("bob");
  kit.tell.enter(bob.session, "g", {});
  await kit.settle();
  const back = { offset: 2, recovered: true, missed: ["m1", "m2"] };
  bob.channel.unreadBytes = slowBytes * 3;
  kit.tell.entered("g", takeEnter(group).no, accepted("bob", back));
  kit.tell.deliver("g", 3, "m3");
  await kit.settle();
  assert.deepEqual(bob.channel.taken().slice(1), ["msg m1", "msg m2", "msg m3"]);
  assert.equal(bob.channel.roomsWanted, 1);
  bob.channel.unreadBytes = slowBytes * 4 + 1;
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  assert.deepEqual(bob.channel.taken(), [], "there is an end to it");
  kit.tell.room(bob.session);
  await kit.settle();
  assert.deepEqual(bob.channel.taken(), [gap('"from":4,"to":4,"reason":"slow"')]);
  bob.channel.unreadBytes = slowBytes + 1;
  kit.tell.deliver("g", 5, "m5");
  await kit.settle();
  assert.deepEqual(bob.channel.taken(), [], "and then it is as everybody else");
});

test("a group's presence is told as its settings say, and from the first difference on", async () => {
  const told = async (presence: boolean): Promise<string[]> => {
    const kit = await FanoutKit.start({ presence });
    const group = await kit.probe();
    const { channel } = await kit.join(group, "ann", { presence: present("r1") });
    kit.tell.presence("g", { joins: present(), leaves: present("r1") });
    const second = await kit.join(group, "bob");
    await kit.settle();
    return [...channel.taken(), ...second.channel.taken()].map((line) => line.split(" ")[0] ?? "");
  };
  assert.deepEqual(await told(false), ["joined", "joined"]);
  assert.deepEqual(await told(true), [
    ...["joined", "presence_state", "presence_diff"],
    ...["joined", "presence_state"],
  ]);
});

test("a member that is gone is closed on its own channel and told on another", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const first = await kit.join(group, "ann");
  const second = await kit.join(group, "ann");
  const bob = await kit.join(group, "bob");
  const api = await kit.joinApi(group, "ann");
  kit.tell.deliver("g", 1, "m1");
  kit.tell.changed("g", member("ann"), true, 8, null);
  kit.tell.deliver("g", 2, "m2");
  await kit.settle();
  const seen = [first, second, api, bob].map(({ channel }) =>
    channel.taken().filter((line) => !line.startsWith("joined")),
  );
  const closed = 'relay_closed {"group_id":"g","reason":"left"}';
  assert.deepEqual(seen, [
    ["msg m1", "closed"],
    ["msg m1", "closed"],
    ["msg m1", closed],
    ["msg m1", "msg m2"],
  ]);
  const told = group.record.messages.length;
  await kit.exit(first.session);
  assert.equal(group.record.messages.length, told, "the group knows");
});

test("a session that leaves is told to the group, those of a turn together", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const clients = [];
  for (const user of ["ann", "bob", "cat"]) clients.push(await kit.join(group, user));
  for (const { session } of clients.slice(1)) kit.tell.exit(session);
  kit.tell.exit(7_777);
  await kit.oneTurn();
  assert.equal(takeTold(group), `exit [${clients[1]?.session},${clients[2]?.session}]`);
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  assert.deepEqual(
    clients.map(({ channel }) => channel.taken().length),
    [2, 1, 1],
  );
});

test("whoever leaves, those who stay get everything", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  const clients = [];
  for (let i = 0; i < 6; i += 1) clients.push(await kit.join(group, `user ${i}`));
  for (const { channel } of clients) channel.taken();
  for (const gone of [0, 5, 2, 3]) {
    const { session } = clients[gone] as (typeof clients)[number];
    await kit.exit(session);
  }
  kit.tell.deliver("g", 1, "m1");
  await kit.settle();
  for (const [i, { channel }] of clients.entries()) {
    assert.deepEqual(channel.taken(), [1, 4].includes(i) ? ["msg m1"] : [], `user ${i}`);
  }
});

test("a slow one is not told that it misses what it has from the answer of its join", async () => {
  const kit = await FanoutKit.start();
  const group = await kit.probe();
  await kit.join(group, "ann", { offset: 3 });
  const bob = await kit.join(group, "bob", { offset: 5 });
  bob.channel.unreadBytes = slowBytes + 1;
  kit.tell.deliver("g", 4, "m4");
  await kit.settle();
  for (const offset of [5, 6]) kit.tell.deliver("g", offset, `m${offset}`);
  await kit.oneTurn();
  kit.tell.room(bob.session);
  await kit.settle();
  assert.deepEqual(bob.channel.taken().slice(1), [gap('"from":6,"to":6,"reason":"slow"')]);
});
