import assert from "node:assert/strict";
import { test } from "node:test";
import type { TSchema } from "typebox";
import Compile from "typebox/compile";
import { encodeChatConfigs } from "../../../actors/relay/chat-functions.ts";
import { checkGroupId } from "../../../actors/relay/join-payload.ts";

test("the functions take the names of groups that channels take", () => {
  const names = [
    "",
    "g",
    "g".repeat(256),
    "g".repeat(257),
    "\u{1f600}",
    "a:b\n\u0000",
    "__proto__",
  ];
  const lone = ["\ud800", "a\udfffb", "\udc00\ud800"];
  for (const config of encodeChatConfigs()) {
    if (config["requestType"] === "list_groups") continue;
    const { properties } = config["argTypes"] as { properties: { group_id: TSchema } };
    const validator = Compile(properties.group_id);
    for (const name of [...names, ...lone]) {
      assert.equal(validator.Check(name), checkGroupId(name) === null, JSON.stringify(name));
    }
  }
});
