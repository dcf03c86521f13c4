import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Actor, type ActorContext, type TableWriter } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import { trustedModulesTable } from "../../../actors/hooks/module-access.ts";
import {
  type FunConfig,
  type FunctionTarget,
  parseFunConfig,
} from "../../../actors/registry/index.ts";
import type { CallInfo } from "../../../actors/request/call-info.ts";
import type { Caller } from "../../../actors/request/caller.ts";
import type { Request } from "../../../actors/request/request.ts";

const fixtures = new URL("fixtures/", import.meta.url);

/** A thread under a manual clock, and an actor's context on it. */
export interface HookKit {
  readonly test: TestKernel;
  readonly context: ActorContext;
  readonly trusted: TableWriter<true>;
  /** The lines of the log that hold `text`. */
  logged(text: string): string[];
}

/** A kit that trusts the fixtures. */
export async function startHookKit(): Promise<HookKit> {
  const test = testKernel();
  const { promise, resolve } = Promise.withResolvers<ActorContext>();
  class Session extends Actor {
    override init(): void {
      resolve(this.context);
    }
  }
  await test.spawn(Session);
  const context = await promise;
  const trusted = context.writeTable<true>(trustedModulesTable);
  trusted.set(fixtures.href, true);
  const logged = (text: string): string[] => test.logLines.filter((line) => line.includes(text));
  return { test, context, trusted, logged };
}

/** The file URL of a fixture. */
export function fixtureUrl(name: string): string {
  return new URL(name, fixtures).href;
}

/** The path of a fixture. */
export function fixturePath(name: string): string {
  return fileURLToPath(fixtureUrl(name));
}

/** A function of the fixture `hooks.ts`. */
export function hookTarget(name: string, ...args: FunctionTarget["args"]): FunctionTarget {
  return { module: fixtureUrl("hooks.ts"), function: name, args };
}

/** A config as another thread gets it: a structured clone, no longer frozen. */
export function funConfig(fields: Record<string, unknown> = {}): FunConfig {
  const outcome = parseFunConfig({
    service: "shop",
    requestType: "buy",
    version: "1.2.0",
    mfa: { module: "shop", function: "buy" },
    argTypes: { item: "string", user_id: "any" },
    ...fields,
  });
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return structuredClone(outcome.config);
}

export const request: Request = {
  requestId: "r1",
  requestType: "buy",
  service: "shop",
  args: { item: "pear", user_id: "alice" },
  version: "1.2.0",
  deviceId: null,
};

export const caller: Caller = {
  userId: "alice",
  userRoles: ["editor"],
  deviceId: "phone",
  ipAddress: "192.0.2.7",
  assigns: { user_id: "alice", tenant: "acme" },
};

export const info: CallInfo = {
  requestId: "r1",
  userId: "alice",
  userRoles: ["editor"],
  deviceId: "phone",
};
