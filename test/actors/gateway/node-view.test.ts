import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef, TreeNode } from "#runtime";
import { encodeNodeTree, selectDown, selectServices } from "../../../actors/gateway/node-view.ts";
import { parseFunConfig } from "../../../actors/registry/fun-config.ts";

function node(pid: string, parent: string | null, children: readonly TreeNode[] = []): TreeNode {
  return {
    ...{ pid, name: null, class: "Some", thread: 1, state: "running", mailbox: 0, active: 0 },
    ...{ handled: 0, restarts: 0, uptimeMs: 7, parent, groups: [], children },
  };
}

describe("the tree of another node", () => {
  it("has the pids by which its actors are known elsewhere", () => {
    const tree = encodeNodeTree("users@h:1", [node("<0.0.5>", null, [node("<0.1.6>", "<0.0.5>")])]);
    assert.deepEqual([tree.name, tree.class, tree.uptimeMs], ["users@h:1", "Node", 7]);
    const [root] = tree.children;
    assert.deepEqual([root?.pid, root?.parent], ["<users@h:1.0.5>", null]);
    const [child] = root?.children ?? [];
    assert.deepEqual([child?.pid, child?.parent], ["<users@h:1.1.6>", "<users@h:1.0.5>"]);
  });

  it("is a line of its own when the node does not answer", () => {
    const { name, children } = encodeNodeTree("users@h:1", null);
    assert.deepEqual([name, children], ["users@h:1 (no answer)", []]);
  });
});

describe("the nodes to be joined", () => {
  it("are down unless they are connected; of DNS nothing is said", () => {
    const up = { name: "a@h:1", incarnation: 1, roles: [], isSelf: false };
    const down = selectDown(["A@h:1", "b@h:2", "dns:h:3", "dns+srv:n"], [up]);
    assert.deepEqual(
      down.map(({ name, state }) => [name, state]),
      [["b@h:2", "down"]],
    );
  });
});

describe("the services of a cluster", () => {
  it("are told with the instances of each node", () => {
    const config = (service: string, requestType: string) => {
      const parsed = parseFunConfig({
        service,
        requestType,
        mfa: { module: service, function: "f" },
      });
      assert.ok(parsed.ok);
      return parsed.config;
    };
    const ref = (where: string, key: string): ActorRef => ({ node: where, key }) as ActorRef;
    const refs = [ref("0", "1"), ref("b@h:2", "2"), ref("b@h:2", "3")];
    const services = selectServices(
      [config("one", "f"), config("one", "g"), config("two", "f")],
      ({ service }) => (service === "one" ? refs : []),
      "c@h:3",
    );
    assert.deepEqual(services, [
      {
        ...{ service: "one", functions: ["f", "g"] },
        nodes: [
          { node: "b@h:2", instances: 2 },
          { node: "c@h:3", instances: 1 },
        ],
      },
      { service: "two", functions: ["f"], nodes: [] },
    ]);
  });
});
