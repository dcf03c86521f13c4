import assert from "node:assert/strict";
import { channel } from "node:diagnostics_channel";
import { describe, it, type TestContext } from "node:test";
import { Actor, type ActorRef } from "#runtime";
import { Puller, type PullerOptions, pullerName } from "../../../actors/exchange/puller.ts";
import { Receiver, receiverName } from "../../../actors/exchange/receiver.ts";
import type { ServiceOffer } from "../../../actors/exchange/service-report.ts";
import { NodeStage } from "./node-stage.ts";
import { offerOf } from "./offers-kit.ts";

const A = "a@h:2";

/** What a publisher has, and what it was asked. */
class Shelf {
  readonly asked: string[] = [];
  readonly offers = new Map<string, ServiceOffer>();
  isSilent = false;
}

class FakePublisher extends Actor {
  readonly #shelf: Shelf;

  constructor(shelf: Shelf) {
    super();
    this.#shelf = shelf;
  }

  versions(): Record<string, string> | Promise<never> {
    const { asked, offers, isSilent } = this.#shelf;
    asked.push("versions");
    if (isSilent) return new Promise<never>(() => {});
    return Object.fromEntries([...offers].map(([service, { version }]) => [service, version]));
  }

  fetch(service: string): ServiceOffer | null {
    this.#shelf.asked.push(`fetch ${service}`);
    return this.#shelf.offers.get(service) ?? null;
  }
}

class Stage {
  readonly at: NodeStage;
  readonly shelf: Shelf;
  readonly publisher: ActorRef;
  puller!: ActorRef<Puller>;

  private constructor(at: NodeStage, publisher: ActorRef, shelf: Shelf) {
    this.at = at;
    this.publisher = publisher;
    this.shelf = shelf;
  }

  static async open(): Promise<Stage> {
    const at = await NodeStage.open();
    const shelf = new Shelf();
    shelf.offers.set("users", offerOf({ get: {} }));
    await at.spawn(Receiver, receiverName, "secret");
    return new Stage(at, await at.spawn(FakePublisher, "their_publisher", shelf), shelf);
  }

  async start(options: Partial<PullerOptions> = {}): Promise<void> {
    const all = { token: "secret", ...options };
    this.puller = (await this.at.spawn(Puller, pullerName, all)) as ActorRef<Puller>;
    await this.at.advance(1_000);
  }

  take(): string[] {
    return this.shelf.asked.splice(0);
  }
}

describe("a node that fetches", () => {
  it("asks for versions first, and fetches what it does not know", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { publisher: stage.publisher });
    await stage.start();
    assert.deepEqual(stage.take(), ["versions", "fetch users"]);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
    await stage.at.advance(60_000);
    assert.deepEqual(stage.take(), ["versions", "versions"]);
    stage.shelf.offers.set("users", offerOf({ get: {}, list: {} }));
    await stage.at.advance(30_000);
    assert.deepEqual(stage.take(), ["versions", "fetch users"]);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A], list: [A] });
    stage.shelf.offers.clear();
    await stage.at.advance(30_000);
    assert.deepEqual(await stage.at.nodesOf("users"), {});
  });

  it("asks nodes of the role alone, or those that are named", async () => {
    for (const [options, expected] of [
      [{}, []],
      [{ nodes: { role: "gateway" } }, ["versions"]],
      [{ nodes: [A] }, ["versions"]],
      [{ nodes: ["b@h:3"] }, []],
    ] as const) {
      const stage = await Stage.open();
      stage.shelf.offers.clear();
      stage.at.up(A, { publisher: stage.publisher }, ["gateway"]);
      await stage.start(options);
      assert.deepEqual(stage.take(), expected, JSON.stringify(options));
    }
  });

  it("gives up after its time, and comes back later and later", async () => {
    const stage = await Stage.open();
    stage.shelf.isSilent = true;
    stage.at.up(A, { publisher: stage.publisher });
    await stage.start({ intervalMs: 10_000, timeoutMs: 1_000 });
    // 1 s for each answer, then 20, 40, 80, 160, 300, 300, … s.
    await stage.at.advance(21_000 + 41_000 + 81_000 + 161_000);
    assert.equal(stage.take().length, 5);
    await stage.at.advance(2 * 301_000);
    assert.equal(stage.take().length, 2);
    const [status] = await stage.at.until(stage.puller.ask.status());
    assert.equal(status?.node, A);
    assert.ok((status?.failures ?? 0) >= 6);
    assert.match(status?.error ?? "", /answer/);
    stage.shelf.isSilent = false;
    await stage.at.advance(301_000);
    const [again] = await stage.at.until(stage.puller.ask.status());
    assert.deepEqual([again?.failures, again?.error], [0, null]);
    assert.deepEqual(await stage.at.nodesOf("users"), { get: [A] });
  });

  it("asks a node that has come back at once, whenever its turn would be", async () => {
    const stage = await Stage.open();
    await stage.start();
    stage.at.up(A);
    await stage.at.advance(500_000);
    stage.at.down(A);
    stage.at.up(A, { publisher: stage.publisher });
    await stage.at.advance(1_000);
    assert.deepEqual(stage.take(), ["versions", "fetch users"]);
  });

  it("asks a node that is being started again soon", async () => {
    const stage = await Stage.open();
    stage.at.up(A);
    await stage.start();
    const names = stage.at.kernel.kernel.tables.write<ActorRef>(`names@${A}`);
    names.set("publisher", stage.publisher);
    await stage.at.advance(2_000);
    assert.deepEqual(stage.take(), ["versions", "fetch users"]);
  });

  it("asks when it is told to", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { publisher: stage.publisher });
    await stage.start();
    stage.take();
    const statuses = await stage.at.until(stage.puller.ask.pull());
    assert.deepEqual(stage.take(), ["versions"]);
    assert.deepEqual(
      statuses.map(({ node, error }) => [node, error]),
      [[A, null]],
    );
  });

  it("leaves a node that is gone alone", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { publisher: stage.publisher });
    await stage.start();
    stage.take();
    stage.at.down(A);
    await stage.at.advance(100_000);
    assert.deepEqual(stage.take(), []);
    assert.equal(stage.at.kernel.clock.pendingTimers, 0);
  });

  it("tells telemetry", async (t: TestContext) => {
    const heard: string[] = [];
    for (const event of ["pull_start", "pull_stop"]) {
      const listen = (message: unknown): void => {
        const { metadata, measurements } = message as Record<string, Record<string, unknown>>;
        heard.push(`${event} ${metadata?.["status"] ?? ""} ${measurements?.["count"]}`);
      };
      channel(`troupe:config:${event}`).subscribe(listen);
      t.after(() => channel(`troupe:config:${event}`).unsubscribe(listen));
    }
    const stage = await Stage.open();
    stage.at.up(A, { publisher: stage.publisher });
    await stage.start();
    assert.deepEqual(heard, ["pull_start  1", "pull_stop ok 1"]);
  });
});
