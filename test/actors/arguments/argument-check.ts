import assert from "node:assert/strict";
import { type ArgumentsOutcome, compileArguments } from "../../../actors/arguments/arguments.ts";
import { parseFunConfig } from "../../../actors/registry/index.ts";

/** A compiled argument check. */
export type Check = (args: Record<string, unknown>) => ArgumentsOutcome;

/** The check of a function `types`, compiled from its config as another thread gets it. */
export function compile(argTypes: unknown, argOrders: unknown = "map"): Check {
  const outcome = parseFunConfig({
    service: "bench_service",
    request_type: "types",
    mfa: { module: "bench_service", function: "types" },
    arg_types: argTypes,
    arg_orders: argOrders,
  });
  assert.ok(outcome.ok, JSON.stringify(outcome));
  // As another thread gets it: a structured clone, no longer frozen.
  return compileArguments(structuredClone(outcome.config));
}

/** The message that the check refuses with; fails when it accepts. */
export function refusal(check: Check, args: unknown): string {
  const outcome = check(args as Record<string, unknown>);
  assert.equal(outcome.ok, false, `accepted ${JSON.stringify(args)}`);
  return outcome.ok ? "" : outcome.message;
}
