import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { testScope } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { RelayClient } from "./relay-client.ts";
import { RelayCluster, Way } from "./relay-cluster.ts";

interface Info {
  readonly members: readonly { user_id: string; role: string; status: string }[];
}

it("a private group outlives the gateway where all its members were", async (t) => {
  const scope = testScope(t);
  const cluster = new RelayCluster(scope, {}, { create: "private" });
  const [one, two] = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
  const groupId = cluster.groupWith([one, [one, two]]);
  const way = new Way(one);
  const join = (userId: string): Promise<RelayClient> =>
    RelayClient.join(scope, way, { userId, groupId });
  const [ann, bob, cid] = [await join("ann"), await join("bob"), await join("cid")];
  await ann.result("accept_member", { user_id: "bob" });
  const { offset } = await bob.say("before");
  for (const client of [ann, bob]) await client.reaches(offset);
  await cluster.settles(groupId, one, [one, two]);

  await one.stop();
  way.to = two;
  for (const client of [bob, ann, cid]) await client.rejoin();
  const { members } = await ann.result<Info>("group_info");
  assert.deepEqual(
    members.map(({ user_id, role, status }) => [user_id, role, status]),
    [
      ["ann", "admin", "active"],
      ["bob", "member", "active"],
      ["cid", "member", "pending"],
    ],
  );
  for (const client of [ann, bob]) {
    assert.deepEqual(
      [client.answers.at(-1)?.recovered, client.gaps, client.epoch],
      [true, [], ann.epoch],
    );
  }
  const after = await bob.say("after");
  assert.equal(after.offset, offset + 1);
  for (const client of [ann, bob]) await client.reaches(after.offset);
  const history = await bob.history(1, after.offset);
  assert.deepEqual(
    history.map(({ message }) => message),
    ["before", "after"],
  );
  assert.deepEqual(cid.heard, []);
  checkAll([ann, bob]);
});
