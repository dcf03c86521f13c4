import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { eventually } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { Chatter, checkRelayed, checkWhole } from "./chatter.ts";
import { checkAll, patientMs, RelayClient } from "./relay-client.ts";
import { RelayCluster, Way } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = new RelayCluster(
  scope,
  { storage: { path: "groups.sqlite", sync: "full" } },
  { create: "strict_private", durable: true },
);
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const [one, two] = both;

/** What the file of a gateway has of a group: its members, and how many messages; null: nothing. */
function onDisk(node: ClusterNode, groupId: string) {
  const folder = cluster.folders.get(node)?.path ?? "";
  const database = new DatabaseSync(join(folder, "groups.sqlite"), { readOnly: true });
  try {
    const group = database.prepare("SELECT number FROM groups WHERE id = ?").get(groupId);
    if (group === undefined) return null;
    const number = group["number"] as number;
    const members = database
      .prepare("SELECT user_id, role, status FROM members WHERE group_number = ? ORDER BY position")
      .all(number)
      .map((row) => `${row["user_id"]} ${row["role"]} ${row["status"]}`);
    const sql = 'SELECT count(*) AS count, max("offset") AS last FROM messages WHERE group_number = ?';
    const { count, last } = database.prepare(sql).get(number) ?? {};
    return { members, count, last };
  } finally {
    database.close();
  }
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
  const [bob, cid, dan] = [await client("bob", bobs), await client("cid", one), await client("dan", two)];
  const eve = await client("eve", two);
  for (const user_id of ["bob", "cid", "dan"]) await ada.result("accept_member", { user_id });
  await ada.result("mute_member", { user_id: "cid" });
  await ada.result("promote_member", { user_id: "dan" });
  await ada.say("who is away misses what comes now");
  for (const away of [cid, dan]) await away.reaches(1);
  for (const away of [cid, dan, eve]) await away.cut();
  bob.comesBack = true;
  const chatter = new Chatter([ada, bob]);
  return { groupId, ada, bob, cid, dan, eve, chatter };
}

/** All are what they were, and everything that was said is there. */
async function checkAllBack(
  { groupId, ada, bob, cid, dan, eve, chatter }: Awaited<ReturnType<typeof found>>,
  home: ClusterNode,
  door: ClusterNode,
): Promise<void> {
  const { members } = await ada.result<{
    members: { user_id: string; role: string; status: string }[];
  }>("group_info");
  assert.deepEqual(members.map(({ user_id, role, status }) => `${user_id} ${role} ${status}`), roles);
  for (const away of [cid, dan, eve]) await away.rejoin(door);
  assert.deepEqual(
    [cid, dan, eve].map(({ answers }) => answers.at(-1)?.status),
    ["muted", "active", "pending"],
  );
  const { offset, recipients_count } = await dan.say("the last one");
  assert.equal(recipients_count, 4);
  const insiders = [ada, bob, cid, dan];
  for (const client of insiders) await client.reaches(offset);
  checkAll([...insiders, eve]);
  const history = await ada.history(1, offset);
  checkWhole(history, 1, offset, "the history");
  checkRelayed(chatter.relayed, history, "the history");
  const other = both.find((node) => node !== home) as ClusterNode;
  await eventually(
    async () => [onDisk(home, groupId), other.process.isRunning ? onDisk(other, groupId) : null],
    ([there, gone]) => gone === null && there?.last === offset,
    "the file of its home has it, and no other one",
    patientMs,
  );
  assert.deepEqual(onDisk(home, groupId), { members: roles, count: offset, last: offset });
}

it("a planned move takes a durable group from one file into the other", async (t) => {
  const way = new Way(one);
  const group = await found(t, one, way);
  const { groupId, ada, bob, cid, dan, eve, chatter } = group;
  const { epoch } = ada;
  await chatter.more(20);
  assert.notEqual(onDisk(one, groupId), null);
  assert.equal(onDisk(two, groupId), null);
  way.to = two;
  await one.stop();
  await cluster.settles(groupId, two, [two]);
  assert.equal(onDisk(one, groupId), null);
  assert.notEqual(onDisk(two, groupId), null);
  await chatter.more(20);
  await one.start();
  await cluster.meet(both);
  await cluster.settles(groupId, one, both);
  await chatter.more(20);
  await chatter.end();
  await checkAllBack(group, one, one);
  for (const client of [ada, bob, cid, dan]) {
    assert.deepEqual([client.epoch, client.gaps, client.record.missed], [epoch, [], []], client.userId);
  }
  for (const client of [bob, cid, dan]) assert.equal(client.answers[1]?.recovered, true);
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
  assert.notEqual(ada.epoch, epoch);
  assert.deepEqual(ada.gaps.map(({ reason }) => reason), ["lost"]);
  t.diagnostic(JSON.stringify(await ada.result("group_info")));
  await one.start();
  await cluster.meet(both);
  await cluster.settles(groupId, one, both);
  await chatter.more(20);
  await chatter.end();
  t.diagnostic(JSON.stringify([...chatter.codes]));
  t.diagnostic(JSON.stringify(ada.gaps));
  t.diagnostic(JSON.stringify(await ada.result("group_info")));
  await checkAllBack(group, one, two);
});
