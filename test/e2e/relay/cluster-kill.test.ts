import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { Chatter, checkRelayed, checkWhole } from "./chatter.ts";
import { agree } from "./presence-list.ts";
import { RelayClient } from "./relay-client.ts";
import { RelayCluster, Way } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = new RelayCluster(scope, {}, { create: "strict_private" });
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];

/** What a group says of its members. */
interface Info {
  readonly members: readonly { user_id: string; role: string; status: string; devices: number }[];
}

async function membersOf(client: RelayClient): Promise<string[]> {
  const { members } = await client.result<Info>("group_info");
  return members.map(({ user_id, role, status }) => `${user_id} ${role} ${status}`);
}

/** An admin, a member, a muted one and a pending one at the gateway that lives on; two at the other. */
async function found(t: TestContext, groupId: string, doomed: ClusterNode, safe: ClusterNode) {
  const way = new Way(doomed);
  const join = (userId: string, door: ClusterNode | Way): Promise<RelayClient> =>
    RelayClient.join(t, door, { userId, groupId });
  const ada = await join("ada", safe);
  const [bob, cid, dan] = [
    await join("bob", safe),
    await join("cid", safe),
    await join("dan", safe),
  ];
  const [eve, fay] = [await join("eve", way), await join("fay", way)];
  for (const user_id of ["bob", "cid", "eve", "fay"])
    await ada.result("accept_member", { user_id });
  await ada.result("mute_member", { user_id: "cid" });
  await ada.result("promote_member", { user_id: "fay" });
  await ada.result("promote_member", { user_id: "bob" });
  for (const client of [eve, fay]) client.comesBack = true;
  return { way, ada, bob, cid, dan, eve, fay };
}

async function kill(t: TestContext, home: ClusterNode, doomed: ClusterNode): Promise<void> {
  const safe = both.find((node) => node !== doomed) as ClusterNode;
  const groupId = cluster.groupWith([home, both]);
  const { way, ada, bob, cid, dan, eve, fay } = await found(t, groupId, doomed, safe);
  const survivors = [ada, bob, cid];
  const { epoch } = ada;
  const place = await cluster.settles(groupId, home, both);
  assert.equal(place.epoch, epoch);
  const chatter = new Chatter([ada, bob, eve, fay]);
  await chatter.more(20);
  way.to = safe;
  await doomed.kill();
  await chatter.more(20, [ada, bob]);
  // Who was at the one that is lost has to ask again.
  for (const client of [eve, fay]) {
    await client.until("it is back", () => client.answers.length === 2);
    // If the group lives on, it may not have noticed yet that they were away.
    if (home === doomed) assert.equal(client.answers[1]?.status, "pending");
    await ada.result("accept_member", { user_id: client.userId });
  }
  await chatter.more(20);
  await chatter.end();

  const fays = fay.answers[1]?.status === "pending" ? "member" : "admin";
  assert.deepEqual((await membersOf(ada)).sort(), [
    "ada admin active",
    "bob admin active",
    "cid member muted",
    "dan member pending",
    "eve member active",
    `fay ${fays} active`,
  ]);
  assert.equal((await cid.send("mute"))?.code, "muted");
  assert.equal((await dan.send("pending"))?.code, "membership_pending");
  const everybody = [...survivors, eve, fay];
  await reachesSessions(ada, everybody.length);
  const { offset, recipients_count } = await ada.say("the last one");
  assert.equal(recipients_count, everybody.length);
  for (const client of everybody) await client.reaches(offset);
  checkAll([...everybody, dan]);
  assert.deepEqual(dan.heard, []);
  await agree(everybody, everybody.length);

  const isLost = home === doomed;
  assert.equal(ada.epoch !== epoch, isLost);
  for (const { userId, gaps, answers, ends, heard, epoch: own } of survivors) {
    assert.deepEqual([answers.length, ends, own], [1, [], ada.epoch], userId);
    assert.deepEqual(
      gaps.map(({ reason }) => reason),
      isLost ? ["lost"] : [],
      userId,
    );
    if (isLost) continue;
    checkWhole(heard, heard[0]?.offset ?? 0, offset, userId);
    checkRelayed(chatter.relayed, heard, userId);
  }
  const place2 = await cluster.settles(groupId, safe, [safe]);
  assert.deepEqual([place2.epoch, place2.offset], [ada.epoch, offset]);
  const history = await ada.history(1, offset);
  checkWhole(history, history[0]?.offset ?? 0, offset, "the history");
  t.diagnostic(`${offset} messages, ${JSON.stringify([...chatter.codes])}`);
  t.diagnostic(JSON.stringify(ada.gaps));

  // When it is back, the group goes home, and nobody notices.
  await doomed.start();
  await cluster.meet(both);
  const back = await cluster.settles(groupId, home, both);
  assert.deepEqual([back.epoch, back.offset], [ada.epoch, offset]);
  const gaps = everybody.map((client) => client.gaps.length);
  const next = await eve.say("one more");
  assert.deepEqual([next.offset, next.recipients_count], [offset + 1, everybody.length]);
  for (const client of everybody) await client.reaches(next.offset);
  checkAll(everybody);
  assert.deepEqual(
    everybody.map((client) => client.gaps.length),
    gaps,
  );
}

it("kill -9 of the gateway that is the home of a group", async (t) => {
  for (const home of both) await kill(t, home, home);
});

it("kill -9 of the other gateway", async (t) => {
  const [one, two] = both;
  await kill(t, one, two);
});
