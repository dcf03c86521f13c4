import assert from "node:assert/strict";
import test from "node:test";
import type { GroupInfo } from "../../../actors/relay/group-messages.ts";
import { GroupKit } from "./group-kit.ts";
import { group, member } from "./store-kit.ts";

/** What a group tells that has so many members, who joined one after the other. */
async function infoOf(count: number): Promise<GroupInfo> {
  const members = Array.from({ length: count }, (_, index) =>
    member(`user ${index + 1}`, { joinedAt: index + 1, role: index === 0 ? "admin" : "member" }),
  );
  const state = group("room", 0, { members });
  const kit = await GroupKit.start({ type: "moved", state });
  await kit.enter(0, 1, "user 2");
  const answer = await kit.kernel.until(kit.group.ask.info(null));
  assert.ok("info" in answer);
  return answer.info;
}

test("1,000 members are listed, the longest-standing ones, and all are counted", async () => {
  const { members, membersCount } = await infoOf(1_200);
  assert.equal(membersCount, 1_200);
  assert.deepEqual(
    members.map(({ userId }) => userId),
    Array.from({ length: 1_000 }, (_, index) => `user ${index + 1}`),
  );
});

test("where there are 1,000 all of them are listed, with the devices that are connected", async () => {
  const { members, membersCount } = await infoOf(1_000);
  assert.deepEqual([members.length, membersCount], [1_000, 1_000]);
  assert.deepEqual(
    members.slice(0, 3).map(({ userId, devices }) => [userId, devices]),
    [
      ["user 1", 0],
      ["user 2", 1],
      ["user 3", 0],
    ],
  );
  const [first] = members;
  assert.deepEqual(Object.keys(first ?? {}).sort(), [
    ...["devices", "joinedAt", "role", "status", "userId"],
  ]);
});
