import assert from "node:assert/strict";
import { test } from "node:test";
import { validateWithDetails } from "../../../actors/registry/index.ts";

const MINIMAL = {
  service: "users",
  request_type: "get",
  mfa: { module: "users", function: "get" },
};

test("a valid config is reported as it would be stored", () => {
  const report = validateWithDetails({ ...MINIMAL, timeout: 300 });
  assert.equal(report.valid, true);
  assert.deepEqual([report.errors, report.warnings], [[], []]);
  assert.equal(report.config?.timeout, 300);
  assert.equal(report.config?.requestType, "get");
});

test("each error names field, expectation and what was received", () => {
  const report = validateWithDetails({
    ...MINIMAL,
    mfa: undefined,
    timeout: 1,
    hook_timeout: ", received it",
    'a: "b"': 1,
    arg_types: { "x: y": { type: "num", max_bytes: 1 }, z: "nothing" },
  });
  assert.equal(report.valid, false);
  assert.equal(report.config, null);
  assert.deepEqual(
    report.errors.map(({ field, expected, received }) => [field, expected, received]),
    [
      ['"a: \\"b\\""', null, null],
      ["timeout", 'an integer of 100 to 300000 ms, or "infinity"', "1"],
      ["mfa", "a value", "nothing"],
      ["arg_types.x", null, null],
      [
        "arg_types.z",
        "one of string, num, boolean, uuid, datetime, naive_datetime, list, list_string, list_num, list_uuid, list_map, map, any",
        '"nothing"',
      ],
      ["hook_timeout", "an integer of 1 to 300000 ms", '", received it"'],
    ],
  );
  assert.equal(report.errors[2]?.message, "mfa: required, received nothing");
});

test("what is no map is one error, of no field", () => {
  assert.deepEqual(validateWithDetails(null).errors, [
    { field: "", expected: "a map", received: "null", message: "expected a map, received null" },
  ]);
});

test("what may not be meant is a warning", () => {
  const hook = { module: "/srv/hooks.ts", function: "f" };
  const { valid, warnings } = validateWithDetails({
    ...MINIMAL,
    check_permission: "any_authenticated",
    permission_callback: hook,
    before_execute: hook,
    after_execute: hook,
    timeout: 1_000,
    response_type: "none",
    retry: 2,
  });
  assert.equal(valid, true);
  assert.deepEqual(
    warnings.map((warning) => warning.slice(0, warning.indexOf(":"))),
    ["checkPermission", "afterExecute", "hookTimeout", "retry"],
  );
  assert.deepEqual(validateWithDetails({ ...MINIMAL, retry: 2, idempotent: true }).warnings, []);
});
