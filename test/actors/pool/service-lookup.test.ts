import assert from "node:assert/strict";
import { test } from "node:test";
import { selectService } from "../../../actors/pool/service-lookup.ts";
import type { ServiceRecord } from "../../../actors/service/index.ts";

const record = (name: string, module: string): ServiceRecord => ({
  ...{ name, module, source: "", url: "", instances: [], functions: [], configs: [] },
  ...{ loadedAt: 0, status: "running", reason: null },
});

const records = [
  record("users", "users@3"),
  record("users@2", "users@2"),
  record("other", "other"),
];

for (const [module, expected] of [
  ["users@3", "users"],
  ["users", "users"],
  ["users@4", "users"],
  ["users@2", "users@2"],
  ["other", "other"],
  ["other@12", "other"],
  ["user", undefined],
  ["users@", undefined],
  ["users@x", undefined],
  ["others", undefined],
] as const) {
  test(`the module ${module} stands for ${expected ?? "no service"}`, () => {
    assert.equal(selectService(records, module)?.name, expected);
  });
}
