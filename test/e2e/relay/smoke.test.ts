import assert from "node:assert/strict";
import { it } from "node:test";
import { fileScope, GatewayProcess } from "../gateway-process.ts";
import { checkAll, RelayClient } from "./relay-client.ts";

const gateway = await GatewayProcess.start(fileScope());
it("a member that was cut off misses nothing", async (t) => {
  const ada = await RelayClient.join(t, gateway, { userId: "ada", groupId: "g" });
  const bob = await RelayClient.join(t, gateway, { userId: "bob", groupId: "g" });
  await ada.say("one");
  await bob.reaches(1);
  await bob.cut();
  await ada.say("two");
  await ada.say("three");
  const answer = await bob.rejoin();
  assert.equal(answer.recovered, true);
  await ada.say("four");
  await bob.reaches(4);
  await ada.until("bob is there", () => ada.presence.size === 2);
  checkAll([ada, bob]);
  assert.deepEqual(
    bob.heard.map(({ message }) => message),
    ["one", "two", "three", "four"],
  );
  assert.deepEqual(
    (await bob.history(2, 3)).map(({ message }) => message),
    ["two", "three"],
  );
  assert.deepEqual(ada.presence.lines(), bob.presence.lines());
});
