import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { converged, notices } from "../cluster/observation.ts";
import { fileScope } from "../gateway-process.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { Chatter, checkSaid, checkWhole } from "./chatter.ts";
import { agree } from "./presence-list.ts";
import { RelayClient } from "./relay-client.ts";
import { RelayCluster } from "./relay-cluster.ts";

const scope = fileScope();
const cluster = new RelayCluster(scope);
const both = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
const [one, two] = both;

/** What happens between the gateways, and who sends meanwhile: members at the group's home, and at the other one. */
interface Cut {
  readonly fault: () => void;
  /** The connection is back at once. */
  readonly isShort?: boolean;
  readonly talking: "both" | "other" | "nobody";
}

async function story(t: TestContext, { fault, isShort = false, talking }: Cut): Promise<void> {
  const groupId = cluster.groupWith([one, both]);
  const join = (userId: string, door: ClusterNode): Promise<RelayClient> =>
    RelayClient.join(t, door, { userId, groupId });
  const near = [await join("ada", one), await join("bob", one)];
  const far = [await join("cid", two), await join("dan", two)];
  const everybody = [...near, ...far];
  await cluster.settles(groupId, one, both);
  const before = new Chatter(everybody);
  await before.more(20);
  if (talking === "nobody") await before.end();

  await Promise.all([notices(one, two, fault), notices(two, one, () => {})]);
  await before.end();
  const talkers = { both: everybody, other: far, nobody: [] }[talking];
  const during = new Chatter(talkers);
  await during.more(20);
  await during.end();
  // Each side goes on with its own.
  for (const side of isShort ? [] : [near, far]) {
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
  await reachesSessions(first, everybody.length);
  const { offset, recipients_count } = await first.say("the last one");
  for (const client of everybody) await client.reaches(offset);
  t.diagnostic(JSON.stringify(far[0]?.gaps));
  for (const chatter of [before, during, after]) t.diagnostic(JSON.stringify([...chatter.codes]));
  assert.equal(recipients_count, everybody.length);
  checkAll(everybody);
  for (const client of everybody) {
    assert.deepEqual([client.epoch, client.ends, client.answers.length], [epoch, [], 1]);
    // The home is the same; the other side has gone on under an epoch of its own, and is told so.
    const told = client.gaps.map(({ reason }) => reason);
    const isToldTwice = far.includes(client) && !(isShort && told.length === 0);
    assert.deepEqual(told, isToldTwice ? ["lost", "lost"] : [], client.userId);
  }
  await agree(everybody, everybody.length);
  // What either side was told to be relayed is there, and has come to all who were at the home.
  const relayed = [before, during, after].flatMap((chatter) => chatter.relayed);
  const history = await first.history(1, offset);
  checkWhole(history, 1, offset, "the history");
  checkSaid(relayed, history, "the history");
  for (const { heard, userId } of near) checkSaid(relayed, heard, userId);
}

const { conductor } = cluster;

it("two gateways do not see each other for a while, and both sides talk", async (t) => {
  await story(t, { fault: () => conductor.cut(one, two), talking: "both" });
});

it("the home of a group is not heard any more by the other gateway, where members talk", async (t) => {
  await story(t, { fault: () => conductor.cutOneWay(one, two), talking: "other" });
});

it("the connection of two gateways is reset", async (t) => {
  await story(t, { fault: () => conductor.drop(one, two), isShort: true, talking: "nobody" });
});
