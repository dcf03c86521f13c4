import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { converged, notices } from "../cluster/observation.ts";
import { fileScope } from "../gateway-process.ts";
import { Chatter, checkWhole } from "./chatter.ts";
import { checkAll, RelayClient } from "./relay-client.ts";
import { RelayCluster } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = new RelayCluster(scope);
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const [one, two] = both;

/** Who sends while the gateways do not see each other. */
type Talking = "both" | "home" | "other" | "nobody";

async function story(t: TestContext, talking: Talking): Promise<void> {
  const groupId = cluster.groupWith([one, both]);
  const join = (userId: string, door: ClusterNode): Promise<RelayClient> =>
    RelayClient.join(t, door, { userId, groupId });
  const near = [await join("ada", one), await join("bob", one)];
  const far = [await join("cid", two), await join("dan", two)];
  const everybody = [...near, ...far];
  const before = new Chatter(everybody);
  await before.more(20);
  if (talking === "nobody") await before.end();

  await Promise.all([
    notices(one, two, () => cluster.conductor.cut(one, two)),
    notices(two, one, () => {}),
  ]);
  await before.end();
  const talkers = { both: everybody, home: near, other: far, nobody: [] }[talking];
  const during = new Chatter(talkers);
  await during.more(20);
  await during.end();
  // Each side goes on with its own.
  for (const side of [near, far]) {
    const [first] = side as [RelayClient];
    await first.until("the others are gone", () => first.presence.size === side.length);
  }

  cluster.conductor.heal();
  await converged(both);
  const { epoch } = await cluster.settles(groupId, one, both);
  const after = new Chatter(everybody);
  await after.more(20);
  await after.end();
  const [first] = near as [RelayClient];
  const { offset, recipients_count } = await first.say("the last one");
  for (const client of everybody) await client.reaches(offset);
  for (const { gaps, userId, epoch } of everybody) {
    t.diagnostic(`${userId} ${epoch} ${JSON.stringify(gaps)}`);
  }
  for (const chatter of [before, during, after]) t.diagnostic(JSON.stringify([...chatter.codes]));
  assert.equal(recipients_count, everybody.length);
  checkAll(everybody);
  for (const client of everybody) {
    assert.deepEqual([client.epoch, client.ends, client.answers.length], [epoch, [], 1]);
    await client.until("all are there", () => client.presence.size === everybody.length);
    assert.deepEqual(client.presence.lines(), first.presence.lines());
  }
  const history = await first.history(1, offset);
  t.diagnostic(`${history[0]?.offset} ${history.length} ${offset}`);
}

for (const talking of ["both", "home", "other", "nobody"] as const) {
  it(`two gateways do not see each other for a while: ${talking} sent`, (t) => story(t, talking));
}
