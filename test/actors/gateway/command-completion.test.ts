import assert from "node:assert/strict";
import { it } from "node:test";
import type { System } from "#runtime";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import { defaultGatewayConfig } from "../../../actors/gateway/config.ts";

/** The tables as the main thread would know them; nothing else is asked for a completion. */
const tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  registry: [
    ["users/get@2.0.0", { service: "users", requestType: "get", version: "2.0.0" }],
    ["users/list", { service: "users", requestType: "list", version: null }],
    ["math/add", { service: "math", requestType: "add", version: null }],
  ],
  services: [["users", { name: "users" }]],
  function_files: [["file:///a/b%20c.json", {}]],
  rate_limits: [["global:user_id", {}]],
  breakers: [["local/users", {}]],
};

const system = {
  names: () => ["registry", "limits"],
  table: (name: string) => ({ entries: () => (tables[name] ?? []).values() }),
} as unknown as System;

const table = gatewayCommands(() => ({ system, config: defaultGatewayConfig }));

for (const [name, before, candidates] of [
  ["functions", [], ["math", "users"]],
  ["exportRequests", [], ["math", "users"]],
  ["call", ["users"], ["get@2.0.0", "list"]],
  ["enableFunction", ["users"], ["get@2.0.0", "list"]],
  ["disableFunction", ["math"], ["add"]],
  ["deleteFunction", ["nope"], []],
  ["unloadFunctions", [], ["/a/b c.json"]],
  ["rlRemove", [], ["global:user_id"]],
  ["rlReset", ["ada"], ["global:user_id"]],
  ["resetBreaker", [], ["local/users"]],
  ["stop", [], ["limits", "registry", "users"]],
] as const) {
  it(`${name} completes its ${before.length === 0 ? "first" : "second"} argument`, () => {
    const complete = table.get(name).parameters[before.length]?.complete;
    assert.deepEqual([...new Set(complete?.(before))].sort(), candidates);
  });
}
