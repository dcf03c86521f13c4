import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Actor, type ActorRef, ReplyError } from "#runtime";
import { Pusher, pusherName } from "../../../actors/exchange/pusher.ts";
import type { Sender } from "../../../actors/exchange/receiver.ts";
import type { ServiceOffer } from "../../../actors/exchange/service-report.ts";
import type { PushOutcome } from "../../../actors/exchange/status.ts";
import { NodeStage, SELF } from "./node-stage.ts";
import { configsOf } from "./offers-kit.ts";

const [A, B] = ["a@h:2", "b@h:3"];

/** What a receiver was told, and how it answers. */
class Desk {
  readonly heard: string[] = [];
  readonly known = new Map<string, string>();
  readonly tokens = new Set<string | null>();
  answer: PushOutcome = { outcome: "accepted" };
  fault: ReplyError | null = null;
  /** What its answers to pushes wait for. */
  gate: Promise<void> = Promise.resolve();
}

class FakeReceiver extends Actor {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    super();
    this.#desk = desk;
  }

  announce({ node, token }: Sender, versions: Record<string, string>): string[] {
    const { heard, known, tokens, fault } = this.#desk;
    heard.push(`announce ${node}: ${Object.keys(versions)}`);
    tokens.add(token);
    if (fault !== null) throw fault;
    return Object.keys(versions).filter((service) => known.get(service) !== versions[service]);
  }

  async push(
    _sender: Sender,
    { service, version, configs }: ServiceOffer,
    force: boolean,
  ): Promise<PushOutcome> {
    const { heard, known, answer, gate } = this.#desk;
    heard.push(`push ${service} ${configs.length}${force ? " force" : ""}`);
    await gate;
    if (answer.outcome !== "refused") known.set(service, version);
    return answer;
  }

  verify(service: string, version: string, node: string): string {
    return `${service} ${version.length} ${node}`;
  }
}

class Stage {
  readonly at: NodeStage;
  readonly desk: Desk = new Desk();
  readonly receiver: ActorRef;
  pusher!: ActorRef<Pusher>;

  private constructor(at: NodeStage, receiver: ActorRef, desk: Desk) {
    this.at = at;
    this.receiver = receiver;
    this.desk = desk;
  }

  /** A node that serves `users`, and the receiver of another one. */
  static async open(): Promise<Stage> {
    const at = await NodeStage.open();
    const desk = new Desk();
    const stage = new Stage(at, await at.spawn(FakeReceiver, "their_receiver", desk), desk);
    await stage.serve({ get: {} });
    return stage;
  }

  async serve(functions: Readonly<Record<string, object>>, service = "users"): Promise<void> {
    const configs = configsOf(functions, service);
    this.at.load(service, configs);
    await this.at.until(this.at.registry().replace(service, configs));
  }

  async start(): Promise<void> {
    const options = { token: "secret", timeoutMs: 5_000 };
    this.pusher = (await this.at.spawn(Pusher, pusherName, options)) as ActorRef<Pusher>;
    await this.at.advance(50);
  }

  /** What was heard since the last time. */
  take(): string[] {
    return this.desk.heard.splice(0);
  }
}

describe("a node that serves", () => {
  it("tells nodes that are there when it starts", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`, "push users 1"]);
    assert.deepEqual([...stage.desk.tokens], ["secret"]);
    const [status] = await stage.at.until(stage.pusher.ask.status());
    assert.deepEqual([status?.node, status?.state, status?.faults], [A, "synced", []]);
    await stage.at.until(stage.pusher.ask.settled());
    await stage.at.advance(100_000);
    assert.deepEqual(stage.take(), []);
  });

  it("tells a node that comes up, as soon as it has a receiver", async () => {
    const stage = await Stage.open();
    await stage.start();
    stage.at.up(A);
    let isSettled = false;
    const settled = stage.pusher.ask.settled().then(() => {
      isSettled = true;
    });
    await stage.at.advance(1_000);
    assert.equal(isSettled, false);
    assert.deepEqual(stage.take(), []);
    stage.at.kernel.kernel.tables.write(`names@${A}`).set("receiver", stage.receiver);
    await stage.at.advance(10_000);
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`, "push users 1"]);
    await stage.at.until(settled);
  });

  it("sends nothing to a node that knows it all", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    stage.take();
    stage.at.down(A);
    stage.at.up(A, { receiver: stage.receiver });
    await stage.at.advance(100);
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`]);
  });

  it("tells of every change, what is new and what is gone", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    stage.take();
    await stage.serve({ get: {}, list: {} });
    await stage.serve({ pay: {} }, "shop");
    await stage.at.advance(100);
    const all = `announce ${SELF}: users,shop`;
    assert.deepEqual(stage.take(), [all, "push users 2", "push shop 1"]);
    await stage.at.until(stage.at.registry().disable("shop", "pay"));
    await stage.at.advance(100);
    assert.deepEqual(stage.take(), [all, "push shop 1"]);
    await stage.at.until(stage.at.registry().clear("shop"));
    stage.at.unload("shop");
    await stage.at.advance(100);
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`]);
  });

  it("tells of what has changed while it was telling", async () => {
    const stage = await Stage.open();
    const gate = Promise.withResolvers<void>();
    stage.desk.gate = gate.promise;
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`, "push users 1"]);
    await stage.serve({ get: {}, list: {} });
    await stage.at.advance(100);
    assert.deepEqual(stage.take(), []);
    gate.resolve();
    await stage.at.advance(100);
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`, "push users 2"]);
    await stage.at.until(stage.pusher.ask.settled());
  });

  it("tells a receiver that was started anew", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    stage.take();
    const { kernel } = stage.at.kernel;
    kernel.signal(stage.receiver, { type: "kill", reason: { kind: "killed", message: "killed" } });
    const anew = await stage.at.spawn(FakeReceiver, "their_next", stage.desk);
    kernel.tables.write(`names@${A}`).set("receiver", anew);
    await stage.at.advance(1_000);
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`]);
  });

  it("pushes again what is known when it is told to", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    stage.at.up(B);
    await stage.start();
    stage.take();
    await stage.at.until(stage.pusher.ask.push(A));
    assert.deepEqual(stage.take(), [`announce ${SELF}: users`, "push users 1 force"]);
    await assert.rejects(stage.at.until(stage.pusher.ask.push("c@h:4")), { code: "no_node" });
  });

  it("says what was refused, and tries again when it has changed", async () => {
    const stage = await Stage.open();
    stage.desk.answer = { outcome: "refused", faults: ["users/get: no"] };
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    const [refused] = await stage.at.until(stage.pusher.ask.status());
    assert.deepEqual([refused?.state, refused?.faults], ["refused", ["users/get: no"]]);
    await stage.at.until(stage.pusher.ask.settled());
    stage.desk.answer = { outcome: "accepted" };
    await stage.serve({ get: { timeout: 200 } });
    await stage.at.advance(100);
    const [taken] = await stage.at.until(stage.pusher.ask.status());
    assert.deepEqual([taken?.state, taken?.faults], ["synced", []]);
  });

  it("comes back to a node that does not answer, less and less often", async () => {
    const stage = await Stage.open();
    stage.desk.fault = new ReplyError("unavailable", "not now");
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    await stage.at.advance(3_200);
    const often = stage.take().length;
    assert.ok(often >= 4 && often <= 6, `${often}`);
    await stage.at.advance(60_000);
    assert.ok(stage.take().length <= 10);
    stage.desk.fault = null;
    await stage.at.advance(10_000);
    const [status] = await stage.at.until(stage.pusher.ask.status());
    assert.deepEqual([status?.state, status?.faults], ["synced", []]);
  });

  it("is told when its token is wrong", async () => {
    const stage = await Stage.open();
    stage.desk.fault = new ReplyError("permission_denied", "the push token is wrong");
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    const [status] = await stage.at.until(stage.pusher.ask.status());
    assert.deepEqual([status?.state, status?.faults], ["refused", ["the push token is wrong"]]);
    await stage.at.until(stage.pusher.ask.settled());
  });

  it("verifies what a node knows", async () => {
    const stage = await Stage.open();
    stage.at.up(A, { receiver: stage.receiver });
    await stage.start();
    const { ask } = stage.pusher;
    assert.equal(await stage.at.until(ask.verify(A, "users")), `users 16 ${SELF}`);
    await assert.rejects(stage.at.until(ask.verify(A, "shop")), { code: "no_service" });
    await assert.rejects(stage.at.until(ask.verify(B, "users")), { code: "unavailable" });
  });

  it("leaves nothing behind for nodes that are gone", async () => {
    const stage = await Stage.open();
    stage.at.up(A);
    stage.at.up(B, { receiver: stage.receiver });
    await stage.start();
    stage.at.down(A);
    stage.at.down(B);
    await stage.at.advance(20_000);
    assert.equal(stage.at.kernel.clock.pendingTimers, 0);
    assert.deepEqual(await stage.at.until(stage.pusher.ask.status()), []);
  });
});
