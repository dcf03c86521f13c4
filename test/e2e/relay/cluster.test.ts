import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { Chatter, checkRelayed, checkWhole } from "./chatter.ts";
import { agree } from "./presence-list.ts";
import { RelayClient } from "./relay-client.ts";
import { RelayCluster } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = new RelayCluster(scope);
const [one, two] = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const both = [one, two];

it("members of one group on two gateways have one order, one count and one presence", async (t) => {
  for (const home of both) {
    const groupId = cluster.groupWith([home, both]);
    const clients: RelayClient[] = [];
    for (const [index, door] of [one, two, one, two].entries()) {
      clients.push(await RelayClient.join(t, door, { userId: `user${index}`, groupId }));
    }
    const [ada] = clients as [RelayClient];
    const twin = { userId: "user0", groupId, deviceId: "phone" };
    clients.push(await RelayClient.join(t, two, twin));
    await cluster.settles(groupId, home, both);
    const chatter = new Chatter(clients);
    await chatter.more(50);
    await chatter.end();
    assert.deepEqual([...chatter.codes.keys()], ["ok"]);
    const { offset, recipients_count } = await ada.say("the last one");
    assert.equal(recipients_count, 5);
    for (const client of clients) await client.reaches(offset);
    checkAll(clients);
    for (const client of clients) {
      checkWhole(client.heard, 1, offset, client.userId);
      checkRelayed(chatter.relayed, client.heard, client.userId);
    }
    await agree(clients, 4);
    assert.equal(ada.presence.devicesOf("user0"), 2);
  }
});
