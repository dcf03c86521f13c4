import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ActorRef } from "#runtime";
import { Receiver, receiverName } from "../../../actors/exchange/receiver.ts";
import type { PushOutcome } from "../../../actors/exchange/status.ts";
import { type FailedConfigs, failedConfigsName } from "../../../actors/registry/failed-configs.ts";
import { NodeStage, SELF } from "./node-stage.ts";
import { configsOf, offerOf } from "./offers-kit.ts";

const [A, B] = ["a@h:2", "b@h:3"];

type Functions = Readonly<Record<string, object>>;

class Stage {
  readonly at: NodeStage;
  receiver: ActorRef<Receiver>;

  constructor(at: NodeStage, receiver: ActorRef) {
    this.at = at;
    this.receiver = receiver as ActorRef<Receiver>;
  }

  static async open(token: string | null = null): Promise<Stage> {
    const at = await NodeStage.open();
    return new Stage(at, await at.spawn(Receiver, receiverName, token));
  }

  push(
    node: string,
    functions: Functions,
    { force = false, token = null as string | null } = {},
  ): Promise<PushOutcome> {
    const sender = { node, token, source: "push" } as const;
    return this.at.until(this.receiver.ask.push(sender, offerOf(functions), force));
  }

  announce(node: string, versions: Record<string, string>): Promise<string[]> {
    const sender = { node, token: null, source: "push" } as const;
    return this.at.until(this.receiver.ask.announce(sender, versions));
  }
}

const codeOf = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

describe("a push", () => {
  it("registers the functions on the node that offers them", async () => {
    const stage = await Stage.open();
    assert.deepEqual(await stage.push(A, { get: {}, list: {} }), { outcome: "accepted" });
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A], list: [A] });
    assert.deepEqual(await stage.push(B, { get: {} }), { outcome: "accepted" });
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A, B], list: [A] });
  });

  it("is idempotent by version; force takes it anew", async () => {
    const stage = await Stage.open();
    await stage.push(A, { get: {} });
    assert.deepEqual(await stage.push(A, { get: {} }), { outcome: "unchanged" });
    await stage.at.until(stage.at.registry().disable("users", "get"));
    await stage.push(B, { get: {} });
    const entry = await stage.at.until(stage.at.registry().get("users", "get"));
    assert.deepEqual([entry?.disabled, entry?.nodes], [true, [A, B]]);
    assert.deepEqual(await stage.push(A, { get: {} }, { force: true }), { outcome: "accepted" });
    const anew = await stage.at.until(stage.at.registry().get("users", "get"));
    assert.equal(anew?.disabled, false);
  });

  it("is refused whole with every fault, which is told among the failed configs", async () => {
    const stage = await Stage.open();
    await stage.push(A, { get: {} });
    const [get, list] = configsOf({ get: {}, list: {} });
    const offer = {
      ...{ service: "users", version: "2" },
      configs: [get, { ...list, timeout: 1 }, { ...list, service: "shop", requestType: "pay" }],
    };
    const sender = { node: A, token: null, source: "push" } as const;
    const outcome = await stage.at.until(stage.receiver.ask.push(sender, offer));
    assert.equal(outcome.outcome, "refused");
    assert.match(JSON.stringify(outcome), /users\/list: timeout: expected/);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
    const failed = stage.at.kernel.kernel.whereis(failedConfigsName) as ActorRef<FailedConfigs>;
    const [entry, ...more] = await stage.at.until(failed.ask.list());
    assert.deepEqual([entry?.source, entry?.node, entry?.requestType], ["push", A, "list"]);
    assert.deepEqual(more, []);
    // It is not asked for again at once.
    assert.deepEqual(await stage.announce(A, { users: "2" }), []);
    await stage.at.advance(300_000);
    assert.deepEqual(await stage.announce(A, { users: "2" }), ["users"]);
  });

  it("may name no code that this node does not trust, and no other service", async () => {
    const stage = await Stage.open();
    const hook = { module: "/etc/hook.ts", function: "check" };
    const outcome = await stage.push(A, { get: { beforeExecute: hook } });
    assert.match(JSON.stringify(outcome), /beforeExecute.module: it runs on this node/);
    const foreign = { service: "users", version: "1", configs: configsOf({ pay: {} }, "shop") };
    const sender = { node: A, token: null, source: "push" } as const;
    const other = await stage.at.until(stage.receiver.ask.push(sender, foreign));
    assert.match(JSON.stringify(other), /service: expected users/);
    const empty = { service: "users", version: "1", configs: [] };
    const nothing = await stage.at.until(stage.receiver.ask.push(sender, empty));
    assert.equal(nothing.outcome, "refused");
  });

  it("takes no function over that was registered by other means", async () => {
    const stage = await Stage.open();
    await stage.at.until(stage.at.registry().batchAdd(configsOf({ get: {} })));
    const outcome = await stage.push(A, { get: {} });
    assert.match(JSON.stringify(outcome), /registered here by other means/);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: "local" });
  });

  it("needs the token, where there is one", async () => {
    const stage = await Stage.open("secret");
    for (const token of [null, "", "secre", "secret!"]) {
      await assert.rejects(stage.push(A, { get: {} }, { token }), codeOf("permission_denied"));
    }
    await assert.rejects(stage.announce(A, {}), codeOf("permission_denied"));
    const outcome = await stage.push(A, { get: {} }, { token: "secret" });
    assert.deepEqual(outcome, { outcome: "accepted" });
  });

  it("is of another node, never of this one", async () => {
    const stage = await Stage.open();
    for (const node of [SELF, "local", ""]) {
      await assert.rejects(stage.push(node, { get: {} }), codeOf("invalid_request"), node);
    }
  });
});

describe("an announcement", () => {
  it("asks for what is not known in that version, and drops what is not named", async () => {
    const stage = await Stage.open();
    const { version } = offerOf({ get: {} });
    assert.deepEqual(await stage.announce(A, { users: version }), ["users"]);
    await stage.push(A, { get: {} });
    await stage.push(B, { get: {} });
    assert.deepEqual(await stage.announce(A, { users: version, shop: "1" }), ["shop"]);
    assert.deepEqual(await stage.announce(A, {}), []);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [B] });
    assert.deepEqual(await stage.announce(B, {}), []);
    assert.deepEqual(await stage.at.nodesOf("users"), {});
  });
});

describe("a service that is loaded here too", () => {
  it("is this node's own, until it is not", async () => {
    const stage = await Stage.open();
    await stage.push(A, { get: {}, list: {} });
    // As a loader does it.
    stage.at.load("users");
    await stage.at.until(stage.at.registry().replace("users", configsOf({ get: {} })));
    assert.deepEqual(await stage.push(B, { get: {} }), { outcome: "accepted" });
    await stage.at.advance(100);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: "local" });
    const [own] = await stage.at.until(stage.receiver.ask.status());
    assert.equal(own?.isOwn, true);
    await stage.at.until(stage.at.registry().clear("users"));
    stage.at.unload("users");
    await stage.at.advance(100);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A, B], list: [A] });
  });
});

describe("a node that is lost", () => {
  it("keeps its functions, and its place beside those who offer another state of them", async () => {
    const stage = await Stage.open();
    stage.at.up(A);
    stage.at.up(B);
    await stage.push(B, { get: {} });
    await stage.push(A, { get: { timeout: 200 } });
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
    stage.at.down(A);
    await stage.at.advance(100);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [B] });
    stage.at.down(B);
    await stage.at.advance(100);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
  });

  it("is forgotten when an operator says so", async () => {
    const stage = await Stage.open();
    await stage.push(A, { get: {} });
    await stage.push(B, { get: {} });
    assert.equal(await stage.at.until(stage.receiver.ask.forget(A)), 1);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [B] });
    assert.equal(await stage.at.until(stage.receiver.ask.forget(A)), 0);
  });
});

describe("what is known", () => {
  it("can be verified by version", async () => {
    const stage = await Stage.open();
    const { ask } = stage.receiver;
    const { version } = offerOf({ get: {} });
    assert.equal(await stage.at.until(ask.verify("users", version)), "not_found");
    await stage.push(A, { get: {} });
    assert.equal(await stage.at.until(ask.verify("users", version)), "matched");
    assert.equal(await stage.at.until(ask.verify("users", version, A)), "matched");
    assert.equal(await stage.at.until(ask.verify("users", version, B)), "not_found");
    await stage.push(B, { get: { timeout: 200 } });
    assert.equal(await stage.at.until(ask.verify("users", version)), "mismatch");
    assert.equal(await stage.at.until(ask.verify("users", version, B)), "mismatch");
  });

  it("is told with when it came and when it was last confirmed", async () => {
    const stage = await Stage.open();
    stage.at.up(A);
    await stage.push(A, { get: {}, list: { version: "1.0.0" } });
    const { version } = offerOf({ get: {}, list: { version: "1.0.0" } });
    const came = stage.at.kernel.clock.wallTime();
    await stage.at.advance(1_000);
    await stage.announce(A, { users: version });
    const [status, ...more] = await stage.at.until(stage.receiver.ask.status());
    assert.deepEqual(more, []);
    assert.deepEqual(status, {
      ...{ service: "users", functions: ["get", "list@1.0.0"], isOwn: false },
      nodes: [
        {
          ...{ node: A, isUp: true, version, source: "push" },
          ...{ receivedAt: came, confirmedAt: came + 1_000 },
        },
      ],
    });
  });

  it("outlives the receiver, and what operators have changed does", async () => {
    const stage = await Stage.open();
    await stage.push(A, { get: {}, list: {} });
    await stage.at.until(stage.at.registry().disable("users", "get"));
    await stage.at.until(stage.at.registry().delete("users", "list"));
    stage.at.kernel.kernel.signal(stage.receiver, {
      type: "kill",
      reason: { kind: "killed", message: "killed" },
    });
    await stage.at.settle();
    stage.receiver = (await stage.at.spawn(Receiver, receiverName, null)) as ActorRef<Receiver>;
    await stage.at.advance(100);
    const { version } = offerOf({ get: {}, list: {} });
    assert.deepEqual(await stage.announce(A, { users: version }), []);
    await stage.push(B, { get: {}, list: {} });
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A, B] });
    const entry = await stage.at.until(stage.at.registry().get("users", "get"));
    assert.equal(entry?.disabled, true);
  });

  it("is registered again when the registry has come back", async () => {
    const stage = await Stage.open();
    const registry = stage.at.kernel.kernel.whereis("registry") as ActorRef;
    stage.at.kernel.kernel.signal(registry, {
      type: "kill",
      reason: { kind: "killed", message: "killed" },
    });
    await stage.at.settle();
    await assert.rejects(stage.push(A, { get: {} }), codeOf("unavailable"));
    const { Registry } = await import("../../../actors/registry/registry.ts");
    await stage.at.spawn(Registry, "registry");
    await stage.push(A, { get: {} });
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
  });
});
