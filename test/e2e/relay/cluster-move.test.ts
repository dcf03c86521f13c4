import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import type { ClusterNode } from "../cluster/cluster-node.ts";
import { testScope } from "../gateway-process.ts";
import { checkAll, reachesSessions } from "./agreement.ts";
import { Chatter, checkRelayed, checkWhole } from "./chatter.ts";
import { agree } from "./presence-list.ts";
import { RelayClient } from "./relay-client.ts";
import { RelayCluster, Way } from "./relay-cluster.ts";

/** A group with members at two gateways, who all talk without pause. */
interface Story {
  readonly groupId: string;
  /** Where it is to live at the end. */
  readonly last: ClusterNode;
  /** Those at the gateway that stops. */
  readonly leaving: readonly RelayClient[];
  readonly staying: readonly RelayClient[];
  readonly everybody: readonly RelayClient[];
  readonly epoch: string | null;
  readonly chatter: Chatter;
}

async function begin(
  t: TestContext,
  groupId: string,
  last: ClusterNode,
  ways: readonly [leaving: Way, staying: Way],
): Promise<Story> {
  const [leaving, staying] = await Promise.all(
    ways.map((way, index) =>
      Promise.all(
        ["a", "b"].map((name) =>
          RelayClient.join(t, way, { userId: `${name}${index}`, groupId, payload: {} }),
        ),
      ),
    ),
  );
  assert.ok(leaving && staying);
  for (const client of leaving) client.comesBack = true;
  const everybody = [...leaving, ...staying];
  const { epoch } = everybody[0] as RelayClient;
  const chatter = new Chatter(everybody);
  return { groupId, last, leaving, staying, everybody, epoch, chatter };
}

it("a gateway comes and one stops under load, and groups move with all they are", async (t) => {
  const scope = testScope(t);
  const cluster = new RelayCluster(scope);
  const [one, two] = (await cluster.start("one", "two")) as [ClusterNode, ClusterNode];
  const three = await cluster.gateway("three");
  const [before, all, after] = [
    [one, two],
    [one, two, three],
    [two, three],
  ];
  const way = new Way(one);
  // Each way that a group can go.
  const routes = [
    [one, three, three],
    [two, three, three],
    [one, one, two],
    [one, one, three],
    [two, two, two],
  ] as const;
  const stories: Story[] = [];
  for (const [first, middle, last] of routes) {
    const groupId = cluster.groupWith([first, before], [middle, all], [last, after]);
    stories.push(await begin(t, groupId, last, [way, new Way(two)]));
    await cluster.settles(groupId, first, before);
  }
  const allSend = (count: number): Promise<unknown> =>
    Promise.all(stories.map(({ chatter }) => chatter.more(count)));
  await allSend(10);

  await three.start();
  await cluster.meet(all);
  for (const [index, [, middle]] of routes.entries()) {
    await cluster.settles((stories[index] as Story).groupId, middle, all);
  }
  await allSend(10);

  way.to = three;
  await one.stop();
  for (const { groupId, last } of stories) await cluster.settles(groupId, last, after);
  await allSend(10);
  await Promise.all(stories.map(({ chatter }) => chatter.end()));

  for (const { groupId, leaving, staying, everybody, epoch, chatter } of stories) {
    const [first] = staying as [RelayClient];
    await reachesSessions(first, everybody.length);
    const { offset, recipients_count } = await first.say("the last one");
    assert.equal(recipients_count, everybody.length);
    for (const client of everybody) await client.reaches(offset);
    checkAll(everybody);
    const history = await first.history(1, offset);
    checkWhole(history, 1, offset, `the history of ${groupId}`);
    checkRelayed(chatter.relayed, history, `the history of ${groupId}`);
    for (const client of everybody) {
      const whose = `${groupId} ${client.userId}`;
      assert.deepEqual([client.epoch, client.gaps, client.ends], [epoch, [], []], whose);
      checkWhole(client.heard, client.heard[0]?.offset ?? 0, offset, whose);
      const seen = history.slice((client.heard[0]?.offset ?? 0) - 1);
      assert.deepEqual(
        client.heard.map(({ message }) => message),
        seen.map((m) => m.message),
        whose,
      );
    }
    await agree(everybody, everybody.length);
    for (const { answers, userId } of staying) assert.equal(answers.length, 1, userId);
    for (const { answers, userId } of leaving) {
      assert.deepEqual(
        answers.map(({ recovered }) => recovered),
        [undefined, true],
        userId,
      );
    }
    t.diagnostic(`${groupId}: ${offset} messages, ${JSON.stringify([...chatter.codes])}`);
  }
});
