import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { within } from "../deadline.ts";
import { type GatewayProcess, testScope } from "../gateway-process.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder } from "./relay-gateway.ts";

const groupId = "board";

/** What becomes of a user, and the one who decides it. */
type Change = readonly [operation: string, userId: string, after: string];

/** All at once; the gateway dies as soon as any is acknowledged. By then several may be. */
const rounds: readonly (readonly Change[])[] = [
  [
    ["mute_member", "bob", "member muted"],
    ["promote_member", "eve", "admin active"],
    ["accept_member", "gus", "member active"],
  ],
  [
    ["unmute_member", "bob", "member active"],
    ["demote_member", "eve", "member active"],
    ["remove_member", "dan", "gone"],
    ["leave_group", "cid", "gone"],
  ],
];

async function membersFor(admin: RelayClient): Promise<Map<string, string>> {
  const { members } = await admin.result<{
    members: { user_id: string; role: string; status: string }[];
  }>("group_info");
  return new Map(members.map(({ user_id, role, status }) => [user_id, `${role} ${status}`]));
}

async function killNow(gateway: GatewayProcess, t: TestContext, what: string): Promise<void> {
  gateway.kill("SIGKILL");
  await within(gateway.ended, "the gateway is dead", patientMs);
  t.diagnostic(what);
}

it("kill -9 with sync full: members are what was acknowledged", async (t) => {
  const scope = testScope(t);
  const folder = new RelayFolder(
    scope,
    { messagesPerSecond: null, storage: { path: "groups.sqlite", sync: "full" } },
    { create: "strict_private", durable: true },
  );
  let gateway = await folder.start(scope);
  const ada = await RelayClient.join(t, gateway, { userId: "ada", groupId });
  const users = ["bob", "cid", "dan", "eve", "gus"];
  const clients = users.map((userId) => RelayClient.join(t, gateway, { userId, groupId }));
  const [, cid] = (await Promise.all(clients)) as [RelayClient, RelayClient];
  const others = users.filter((user_id) => user_id !== "gus");
  await Promise.all(others.map((user_id) => ada.result("accept_member", { user_id })));

  for (const changes of rounds) {
    const acknowledged: Change[] = [];
    if (!cid.isJoined) await cid.rejoin(gateway);
    const answers = changes.map(async (change) => {
      const [operation, user_id] = change;
      const response = await (operation === "leave_group"
        ? cid.call(operation)
        : ada.call(operation, { user_id }));
      if (response?.success) acknowledged.push(change);
    });
    await Promise.race(answers);
    await killNow(gateway, t, `acknowledged: ${acknowledged.map(([operation]) => operation)}`);
    await Promise.all(answers);
    assert.ok(acknowledged.length > 0);
    gateway = await folder.start(scope);
    await ada.rejoin(gateway);
    const members = await membersFor(ada);
    // That they are in was acknowledged before all else.
    if (changes === rounds[0]) assert.deepEqual([...members.keys()].sort(), ["ada", ...users]);
    for (const [operation, userId, after] of acknowledged) {
      assert.equal(members.get(userId) ?? "gone", after, `${operation} ${userId}`);
    }
    // What the end came before is done now.
    for (const [operation, user_id, after] of changes) {
      if ((members.get(user_id) ?? "gone") === after) continue;
      if (operation !== "leave_group") await ada.result(operation, { user_id });
    }
  }

  await RelayClient.join(t, gateway, { userId: "fay", groupId: "yard" });
  await ada.result("delete_group");
  await killNow(gateway, t, "the yard is founded, the board is deleted");
  gateway = await folder.start(scope);
  const fay = await RelayClient.join(t, gateway, { userId: "fay", groupId: "yard" });
  assert.deepEqual([...(await membersFor(fay))], [["fay", "admin active"]]);
  const anew = await RelayClient.join(t, gateway, { userId: "bob", groupId });
  assert.deepEqual([...(await membersFor(anew))], [["bob", "admin active"]]);
});
