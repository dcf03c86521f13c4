import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { eventually } from "../deadline.ts";
import { fileScope } from "../gateway-process.ts";
import { readGroup } from "./group-on-disk.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayCluster } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = RelayCluster.durable(scope);
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const [one, two] = both;

const names = ["bob", "cid", "dan", "eve", "fay", "guy"] as const;

/** The members as one of them sees them. */
async function membersFor(client: RelayClient): Promise<string[]> {
  const { members } = await client.result<{
    members: { user_id: string; role: string; status: string }[];
  }>("group_info");
  return members.map(({ user_id, role, status }) => `${user_id} ${role} ${status}`);
}

it("what is decided of members while the home of a durable group is killed stays so", async (t) => {
  const groupId = cluster.groupWith([one, both]);
  const ada = await RelayClient.join(t, two, { userId: "ada", groupId });
  await cluster.settles(groupId, one, both);
  const clients: RelayClient[] = [];
  for (const userId of names) clients.push(await RelayClient.join(t, two, { userId, groupId }));
  const [bob, cid, , eve, fay] = clients as [
    RelayClient,
    RelayClient,
    RelayClient,
    RelayClient,
    RelayClient,
  ];
  for (const user_id of ["bob", "cid", "dan", "fay", "guy"]) {
    await ada.result("accept_member", { user_id });
  }
  await ada.result("promote_member", { user_id: "dan" });
  await ada.result("mute_member", { user_id: "guy" });

  await one.kill();
  await cluster.settles(groupId, two, [two]);
  const before = [
    ...["ada admin active", "bob member active", "cid member active", "dan admin active"],
    ...["eve member pending", "fay member active", "guy member muted"],
  ];
  await eventually(
    () => membersFor(ada),
    (members) => String(members) === String(before),
    "all have come along",
    patientMs,
  );
  await ada.result("remove_member", { user_id: "bob" });
  await ada.result("mute_member", { user_id: "cid" });
  await ada.result("demote_member", { user_id: "dan" });
  await ada.result("accept_member", { user_id: "eve" });
  await fay.result("leave_group");
  await ada.result("unmute_member", { user_id: "guy" });
  await bob.until("it is closed", () => bob.ends.length > 0);

  const after = [
    ...["ada admin active", "cid member muted", "dan member active"],
    ...["eve member active", "guy member active"],
  ];
  const isAfter = async (): Promise<void> => {
    await cluster.settles(groupId, one, both);
    assert.deepEqual(await membersFor(ada), after);
    for (const muted of [cid, await RelayClient.join(t, one, { userId: "cid", groupId })]) {
      assert.equal((await muted.send("I am muted"))?.code, "muted");
      assert.deepEqual(await membersFor(muted), after);
    }
    await eventually(
      async () => both.map((node) => readGroup(cluster.folders.get(node)?.path ?? "", groupId)),
      ([home, other]) => String(home?.members) === String(after) && other === null,
      `it is in the file of one gateway, as ${after}`,
      patientMs,
    );
  };
  await one.start();
  await cluster.meet(both);
  await isAfter();
  assert.deepEqual(cid.ends, []);

  for (const node of both) await node.kill();
  for (const node of both) await node.start();
  await cluster.meet(both);
  for (const client of [ada, cid, eve]) await client.rejoin(two);
  await isAfter();
  // It is not kept out, but what it was has ended.
  for (const door of both) {
    const anew = await RelayClient.join(t, door, { userId: "bob", groupId });
    assert.deepEqual(anew.answers.at(-1)?.status, "pending");
  }
});
