import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { eventually } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { Chatter, checkRelayed, checkSaid, checkWhole } from "./chatter.ts";
import { type GroupOnDisk, readGroup } from "./group-on-disk.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayCluster, Way } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = RelayCluster.durable(scope);
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const [one, two] = both;

/** Resolves when one gateway's file has a group, and the other one's has not. */
async function isKeptBy(
  home: ClusterNode,
  other: ClusterNode,
  groupId: string,
  last?: number,
): Promise<GroupOnDisk> {
  const look = (node: ClusterNode): GroupOnDisk | null | undefined =>
    readGroup(cluster.folders.get(node)?.path ?? "", groupId);
  const [kept] = await eventually(
    async () => [look(home), look(other)] as const,
    ([here, there]) => !!here && there === null && (last === undefined || here.last === last),
    `${groupId} is in the file of ${home.alias}, not in that of ${other.alias}`,
    patientMs,
  );
  return kept as GroupOnDisk;
}

const roles = [
  "ada admin active",
  "bob member active",
  "cid member muted",
  "dan admin active",
  "eve member pending",
];

/** `ada` and `bob` are there, the others have been; bob comes by the way. */
async function found(t: TestContext, home: ClusterNode, bobs: Way) {
  const groupId = cluster.groupWith([home, both]);
  const client = (userId: string, door: ClusterNode | Way): Promise<RelayClient> =>
    RelayClient.join(t, door, { userId, groupId });
  const ada = await client("ada", two);
  const [bob, cid, dan] = [
    await client("bob", bobs),
    await client("cid", one),
    await client("dan", two),
  ];
  const eve = await client("eve", two);
  for (const user_id of ["bob", "cid", "dan"]) await ada.result("accept_member", { user_id });
  await ada.result("mute_member", { user_id: "cid" });
  await ada.result("promote_member", { user_id: "dan" });
  await ada.say("who is away misses what comes now");
  for (const away of [cid, dan]) await away.reaches(1);
  for (const away of [cid, dan, eve]) await away.cut();
  await cluster.settles(groupId, home, both);
  bob.comesBack = true;
  const chatter = new Chatter([ada, bob]);
  return { groupId, ada, bob, cid, dan, eve, chatter };
}

/** All are what they were, and everything that was said is there. */
async function checkAllBack(
  { groupId, ada, bob, cid, dan, eve, chatter }: Awaited<ReturnType<typeof found>>,
  home: ClusterNode,
  door: ClusterNode,
  newcomers: readonly string[] = [],
): Promise<void> {
  const everybody = [...roles, ...newcomers];
  const { members } = await ada.result<{
    members: { user_id: string; role: string; status: string }[];
  }>("group_info");
  assert.deepEqual(
    members.map(({ user_id, role, status }) => `${user_id} ${role} ${status}`),
    everybody,
  );
  for (const away of [cid, dan, eve]) await away.rejoin(door);
  assert.deepEqual(
    [cid, dan, eve].map(({ answers }) => answers.at(-1)?.status),
    ["muted", "active", "pending"],
  );
  await reachesSessions(dan, 4);
  const { offset, recipients_count } = await dan.say("the last one");
  assert.equal(recipients_count, 4);
  const insiders = [ada, bob, cid, dan];
  for (const client of insiders) await client.reaches(offset);
  checkAll([...insiders, eve]);
  const history = await ada.history(1, offset);
  checkWhole(history, 1, offset, "the history");
  checkSaid(chatter.relayed, history, "the history");
  const other = both.find((node) => node !== home) as ClusterNode;
  const kept = await isKeptBy(home, other, groupId, offset);
  assert.deepEqual(kept, { members: everybody, count: offset, last: offset });
}

it("a planned move takes a durable group from one file into the other", async (t) => {
  const way = new Way(one);
  const group = await found(t, one, way);
  const { groupId, ada, bob, cid, dan, eve, chatter } = group;
  const { epoch } = ada;
  await chatter.more(20);
  await isKeptBy(one, two, groupId);
  way.to = two;
  await one.stop();
  await cluster.settles(groupId, two, [two]);
  await isKeptBy(two, one, groupId);
  await chatter.more(20);
  await one.start();
  await cluster.meet(both);
  await cluster.settles(groupId, one, both);
  await chatter.more(20);
  await chatter.end();
  await checkAllBack(group, one, one);
  for (const client of [ada, bob, cid, dan]) {
    assert.deepEqual(
      [client.epoch, client.gaps, client.record.missed],
      [epoch, [], []],
      client.userId,
    );
  }
  for (const client of [bob, cid, dan]) assert.equal(client.answers[1]?.recovered, true);
  checkRelayed(chatter.relayed, ada.heard, "ada");
  assert.equal(eve.answers.length, 2);
});

it("kill -9 of the home of a durable group, and its return", async (t) => {
  const way = new Way(one);
  const group = await found(t, one, way);
  const { groupId, ada, bob, chatter } = group;
  const { epoch } = ada;
  await chatter.more(20);
  way.to = two;
  await one.kill();
  await chatter.more(20, [ada]);
  await bob.until("it is back", () => bob.answers.length === 2);
  // That messages are relayed again comes by another way than word of the loss.
  await ada.until("it is told of the loss", () => ada.gaps.length > 0);
  assert.notEqual(ada.epoch, epoch);
  assert.deepEqual(
    ada.gaps.map(({ reason }) => reason),
    ["lost"],
  );
  // Who becomes a member meanwhile stays one.
  const fay = await RelayClient.join(t, two, { userId: "fay", groupId });
  await ada.result("accept_member", { user_id: "fay" });
  await fay.cut();
  await one.start();
  await cluster.meet(both);
  await cluster.settles(groupId, one, both);
  await chatter.more(20);
  await chatter.end();
  t.diagnostic(JSON.stringify([...chatter.codes]));
  t.diagnostic(JSON.stringify(ada.gaps));
  await checkAllBack(group, one, two, ["fay member active"]);
  // He waited to be let in, until the group knew him again: he was told where he is.
  assert.equal(bob.epoch, ada.epoch);
  await bob.cut();
  await bob.until("it is back", () => bob.answers.length === 3);
  assert.equal(bob.answers[2]?.recovered, true);
});
