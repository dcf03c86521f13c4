import assert from "node:assert/strict";
import { test } from "node:test";
import type { TSchema } from "typebox";
import Compile from "typebox/compile";
import { compileArguments } from "../../../actors/arguments/index.ts";
import { parseFunConfig } from "../../../actors/registry/index.ts";
import { chatFunctionNames, encodeChatConfigs } from "../../../actors/relay/chat-functions.ts";
import { checkGroupId, maxGroupIdBytes } from "../../../actors/relay/join-payload.ts";

function compile(requestType: unknown, property: string): ReturnType<typeof Compile> {
  const config = encodeChatConfigs().find((one) => one["requestType"] === requestType);
  assert.ok(config);
  const { properties } = config["argTypes"] as { properties: Record<string, TSchema> };
  return Compile(properties[property] as TSchema);
}

test("the functions take the names of groups that channels take", () => {
  const longest = "g".repeat(maxGroupIdBytes);
  const emoji = "\u{1f600}".repeat(maxGroupIdBytes / 4);
  const names = ["", "g", longest, `${longest}g`, emoji, "a:b\n\u0000", "__proto__"];
  const lone = ["\ud800", "a\udfffb", "\udc00\ud800"];
  for (const requestType of chatFunctionNames) {
    if (requestType === "list_groups") continue;
    const validator = compile(requestType, "group_id");
    for (const name of [...names, ...lone]) {
      assert.equal(validator.Check(name), checkGroupId(name) === null, JSON.stringify(name));
    }
  }
});

test("what may be left out may be null, and nothing else that it is not", () => {
  const optional: [requestType: string, property: string, fault: unknown][] = [
    ["create_group", "type", "secret"],
    ["create_group", "durable", 1],
    ["join_group", "meta", []],
    ["join_group", "since", -1],
    ["join_group", "epoch", 7],
    ["history", "before", "1"],
    ["history", "limit", 101],
  ];
  for (const [requestType, property, fault] of optional) {
    const validator = compile(requestType, property);
    assert.ok(validator.Check(null), `${property}: null`);
    assert.ok(!validator.Check(fault), `${property}: ${fault}`);
  }
});

test("a fault of an argument that may be null is told as if it could not be", () => {
  const config = encodeChatConfigs().find(({ requestType }) => requestType === "join_group");
  const parsed = parseFunConfig(config);
  assert.ok(parsed.ok);
  const check = compileArguments(parsed.config);
  const told = (args: object): string => {
    const outcome = check({ group_id: "g", ...args });
    return outcome.ok ? "none" : outcome.message;
  };
  assert.equal(told({ meta: null, since: null, epoch: null }), "none");
  assert.match(told({ since: -1 }), /^invalid argument value for "since", must be >= 0, got -1/);
  assert.match(told({ meta: 7 }), /^invalid argument type for "meta", expected object or null/);
});
