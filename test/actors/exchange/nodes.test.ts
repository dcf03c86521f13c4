import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { eventually } from "../../fixtures/running-system.ts";
import { scratchFolder } from "../service/service-kit.ts";
import { type ExchangeNode, startNode } from "./exchange-kit.ts";

const gateways = { roles: ["gateway"] };

function serviceNode(
  t: TestContext,
  { name }: { readonly name: string },
  options: Parameters<typeof startNode>[1] = {},
): Promise<ExchangeNode> {
  return startNode(t, { roles: ["service"], join: [name], ...options });
}

/** A service that tells where it runs, with what its functions say beside. */
function placeService(more = ""): string {
  return `
    import { defineService } from "#actors";
    import { setTimeout as pause } from "node:timers/promises";
    export default defineService("place_service", {
      // The state of the module is that of the node: all of them run in one process here.
      where: { timeout: 60_000, handler: async (_args, ctx) => (await pause(5), String(ctx.self.incarnation)) },
      ${more}
    });`;
}

async function code(node: ExchangeNode, service: string, type: string, args = {}): Promise<string> {
  const { response, last } = await node.call(service, type, args);
  return (last ?? response).code ?? "ok";
}

describe("a service on another node", () => {
  it("is called as one of this node, and fails as one", async (t) => {
    const gateway = await startNode(t, gateways);
    const node = await serviceNode(t, gateway);
    await node.load("counter-service.ts");
    await gateway.until((nodes) => nodes.has("counter_service/whoami"));
    const { response } = await gateway.call("counter_service", "add", { by: 2 });
    assert.deepEqual([response.result, response.success], [2, true]);
    assert.equal(await code(gateway, "counter_service", "add", {}), "invalid_arguments");
    assert.equal(await code(gateway, "counter_service", "refuse"), "refused");
    assert.equal(await code(gateway, "counter_service", "crash"), "internal");
    // It is there again when its supervisor, over there, has started it anew.
    let after = await gateway.call("counter_service", "value");
    while (after.response.can_retry) after = await gateway.call("counter_service", "value");
    assert.equal(after.response.result, 0);
    const { response: who } = await gateway.call("counter_service", "whoami");
    assert.equal((who.result as { userId: string }).userId, "alice");
  });

  it("streams, and computes on a pool of its node", async (t) => {
    const gateway = await startNode(t, gateways);
    const node = await serviceNode(t, gateway);
    await node.load("stream-service.ts");
    await gateway.until((nodes) => nodes.has("stream_service/total"));
    const { response, chunks, last } = await gateway.call("stream_service", "total", { to: 200 });
    assert.equal(response.result, "init");
    assert.equal(chunks.length, 200);
    assert.deepEqual(last?.result, { total: 20_100 });
    const write = scratchFolder(t);
    // The thread of the pool is started for this call: that takes its time on a busy machine.
    const cpu = 'cpu: { cpu: true, timeout: 60_000, handler: () => "computed" },';
    await node.load(write("place.ts", placeService(cpu)));
    await gateway.until((nodes) => nodes.has("place_service/cpu"));
    const { response: computed } = await gateway.call("place_service", "cpu");
    assert.equal(computed.result, "computed", computed.error ?? "");
  });

  it("is replaced there, and called here, without a failed call", async (t) => {
    const gateway = await startNode(t, gateways);
    const node = await serviceNode(t, gateway);
    const write = scratchFolder(t);
    const path = write("place.ts", placeService("old: () => 1,"));
    await node.load(path);
    await gateway.until((nodes) => nodes.has("place_service/where"));
    const load = new Load(gateway);
    await load.past(20);
    write("place.ts", placeService("young: () => 2,"));
    await node.load(path);
    await gateway.until((nodes) => nodes.has("place_service/young"));
    assert.equal(await code(gateway, "place_service", "young"), "ok");
    assert.equal(await code(gateway, "place_service", "old"), "unsupported_function");
    await load.past(100);
    assert.deepEqual(await load.end(), { ok: load.count });
    await node.loader.stop("place_service");
    await gateway.until((nodes) => nodes.size === 0);
    assert.equal(await code(gateway, "place_service", "where"), "unsupported_function");
  });
});

/** Calls of `where`, ten at a time, until it is ended. */
class Load {
  readonly #node: ExchangeNode;
  readonly #codes: Record<string, number> = {};
  readonly places: Set<unknown> = new Set();
  readonly #callers: readonly Promise<void>[];
  #isEnded = false;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  count = 0;

  constructor(node: ExchangeNode) {
    this.#node = node;
    this.#callers = Array.from({ length: 10 }, () => this.#call());
  }

  /** Resolves when `count` more calls have ended. */
  past(count: number): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ count: this.count + count, resolve }));
  }

  /** Each code, with how often it came. */
  async end(): Promise<Record<string, number>> {
    this.#isEnded = true;
    await Promise.all(this.#callers);
    return this.#codes;
  }

  async #call(): Promise<void> {
    while (!this.#isEnded) {
      const { response } = await this.#node.call("place_service", "where");
      const key = response.code ?? "ok";
      this.#codes[key] = (this.#codes[key] ?? 0) + 1;
      if (response.success) this.places.add(response.result);
      this.count += 1;
      const due = this.#waiting.filter(({ count }) => count <= this.count);
      this.#waiting = this.#waiting.filter(({ count }) => count > this.count);
      for (const { resolve } of due) resolve();
    }
  }
}

describe("a service on two nodes", () => {
  it("outlives the restart of each, one after the other, without a failed call", async (t) => {
    const gateway = await startNode(t, gateways);
    const path = scratchFolder(t)("place.ts", placeService());
    const start = async (name?: string): Promise<ExchangeNode> => {
      const node = await serviceNode(t, gateway, name === undefined ? {} : { name });
      await node.load(path);
      await node.pusher.settled();
      return node;
    };
    const nodes = [await start(), await start()];
    const names = nodes.map(({ name }) => name).sort();
    await gateway.until(
      (all) => JSON.stringify(all.get("place_service/where")) === JSON.stringify(names),
    );
    const load = new Load(gateway);
    await load.past(50);
    assert.equal(load.places.size, 2);
    for (const { name, system } of nodes) {
      await system.stop();
      await load.past(50);
      await eventually("one is down", async () => {
        const [status] = await gateway.receiver.status();
        return (
          status?.nodes
            .map(({ isUp }) => isUp)
            .sort()
            .join() === "false,true"
        );
      });
      const before: number = load.places.size;
      await start(name);
      while (load.places.size === before) await load.past(10);
    }
    const ended = await load.end();
    assert.deepEqual(ended, { ok: load.count }, JSON.stringify([ended, gateway.log.entries]));
  });

  it("is `unavailable` while it is on none, and comes back by itself", async (t) => {
    const gateway = await startNode(t, gateways);
    const path = scratchFolder(t)("place.ts", placeService());
    const node = await serviceNode(t, gateway);
    await node.load(path);
    await gateway.until((all) => all.has("place_service/where"));
    assert.equal(await code(gateway, "place_service", "where"), "ok");
    await node.system.stop();
    // Its goodbye comes by connections; who does not know yet sends what nobody will answer.
    await eventually("it is known to be gone", async () => {
      const [status] = await gateway.receiver.status();
      return status?.nodes.every(({ isUp }) => !isUp);
    });
    assert.equal(await code(gateway, "place_service", "where"), "unavailable");
    const again = await serviceNode(t, gateway, { name: node.name });
    await again.load(path);
    while ((await code(gateway, "place_service", "where")) !== "ok");
  });
});

describe("what is not pushed", () => {
  it("is refused without the token, and fetched from a node that is named", async (t) => {
    const gateway = await startNode(t, { ...gateways, pushToken: "secret" });
    const node = await serviceNode(t, gateway, { pushToken: "another" });
    await node.load("counter-service.ts");
    let [status] = await node.pusher.status();
    while (status?.state !== "refused") [status] = await node.pusher.status();
    assert.deepEqual(status.faults, ["the push token is wrong"]);
    assert.deepEqual(await gateway.registry.list(), []);
    const pull = { nodes: { role: "service" } };
    const other = await startNode(t, { pull, pushToken: "secret", join: [gateway.name] });
    await other.until((all) => all.has("counter_service/add"));
    assert.equal(await code(other, "counter_service", "value"), "ok");
    const [known] = await other.receiver.status();
    assert.deepEqual(
      known?.nodes.map(({ node: name, source }) => [name, source]),
      [[node.name, "pull"]],
    );
  });
});
