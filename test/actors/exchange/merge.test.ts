import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { keepChanges, mergeReports } from "../../../actors/exchange/merge.ts";
import { byKey } from "../../../actors/exchange/offer-check.ts";
import type { FunConfig } from "../../../actors/registry/fun-config-schema.ts";
import { configsOf, reportOf } from "./offers-kit.ts";

const [A, B] = ["a@h:1", "b@h:2"];
const allUp = (): boolean => true;

/** The nodes of each entry, by key. */
function nodesOf(entries: ReadonlyMap<string, FunConfig>): Record<string, unknown> {
  return Object.fromEntries([...entries].map(([key, { nodes }]) => [key, nodes]));
}

describe("what several nodes offer", () => {
  it("is on all of them where they offer the same", () => {
    const reports = [reportOf(B, 1, { get: {} }), reportOf(A, 2, { get: {}, list: {} })];
    assert.deepEqual(nodesOf(mergeReports(reports, allUp)), {
      "users/get": [A, B],
      "users/list": [A],
    });
  });

  it("is where the newest is, where they differ", () => {
    const reports = [reportOf(A, 2, { get: { timeout: 200 } }), reportOf(B, 1, { get: {} })];
    const merged = mergeReports(reports, allUp);
    assert.deepEqual(nodesOf(merged), { "users/get": [A] });
    assert.equal(merged.get("users/get")?.timeout, 200);
  });

  it("is where somebody is up, rather than where the newest was", () => {
    const reports = [reportOf(A, 2, { get: { timeout: 200 } }), reportOf(B, 1, { get: {} })];
    const merged = mergeReports(reports, (node) => node === B);
    assert.deepEqual(nodesOf(merged), { "users/get": [B] });
    assert.deepEqual(nodesOf(mergeReports(reports, () => false)), { "users/get": [A] });
  });

  it("stays on nodes that are down: they may come back", () => {
    const reports = [reportOf(A, 1, { get: {} }), reportOf(B, 2, { get: {} })];
    assert.deepEqual(nodesOf(mergeReports(reports, (node) => node === B)), {
      "users/get": [A, B],
    });
  });

  it("is where the config says, where it names nodes itself", () => {
    const named = { nodes: ["x@h:9"] };
    const mixed = { nodes: ["local", "x@h:9"] };
    const reports = [1, 2].map((order) =>
      reportOf(order === 1 ? A : B, order, {
        ...{ named, mixed, role: { nodes: { role: "fast" } } },
      }),
    );
    assert.deepEqual(nodesOf(mergeReports(reports, allUp)), {
      "users/mixed": [A, B, "x@h:9"],
      "users/named": ["x@h:9"],
      "users/role": { role: "fast" },
    });
  });
});

describe("what operators have changed", () => {
  const [get] = configsOf({ get: { nodes: [A] } }) as [FunConfig];
  const moved = { ...get, nodes: [A, B] };

  it("stays when only the nodes are others", () => {
    const disabled = { ...get, disabled: true };
    assert.deepEqual(keepChanges(byKey([moved]), byKey([get]), byKey([disabled])), [
      { ...moved, disabled: true },
    ]);
    assert.deepEqual(keepChanges(byKey([moved]), byKey([get]), byKey([])), []);
  });

  it("goes when the function itself is offered anew", () => {
    const slow = { ...moved, timeout: 200 };
    const disabled = { ...get, disabled: true };
    assert.deepEqual(keepChanges(byKey([slow]), byKey([get]), byKey([disabled])), [slow]);
    assert.deepEqual(keepChanges(byKey([slow]), byKey([get]), byKey([])), [slow]);
    assert.deepEqual(keepChanges(byKey([moved]), byKey([]), byKey([])), [moved]);
  });
});
