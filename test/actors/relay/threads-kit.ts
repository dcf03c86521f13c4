import assert from "node:assert/strict";
import type { ActorRef } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import { Group } from "../../../actors/relay/group.ts";
import type { GroupKind, MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupOrigin, MemberOperation } from "../../../actors/relay/group-messages.ts";
import { refuseRelay } from "../../../actors/relay/refusal.ts";
import type { RelaySettings } from "../../../actors/relay/relay-settings.ts";
import { type FakeChannel, FanoutKit } from "./fanout-kit.ts";
import { fromGroup, relaySettings } from "./group-kit.ts";

/** A client's session on one of the threads. */
export interface Client {
  readonly session: number;
  readonly channel: FakeChannel;
}

/** Two fan-outs and a group as they are, in virtual time; only the way from one to the other is the test's. */
export class Threads {
  readonly kernel: TestKernel;
  readonly kits: FanoutKit[] = [];
  /** Null: who looks for it finds none. */
  group: ActorRef<Group> | null = null;
  readonly #settings: Partial<RelaySettings>;

  private constructor(settings: Partial<RelaySettings>, seed: number) {
    this.#settings = settings;
    this.kernel = testKernel({ seed });
  }

  static async start(
    kind: GroupKind,
    settings: Partial<RelaySettings> = {},
    seed = 3,
  ): Promise<Threads> {
    const threads = new Threads(settings, seed);
    for (let i = 0; i < 2; i += 1) {
      threads.kits.push(await FanoutKit.start({}, threads.kernel));
    }
    threads.group = await threads.open({ type: "new", kind, isDurable: false, creator: null });
    return threads;
  }

  open(origin: GroupOrigin): Promise<ActorRef<Group>> {
    const args = [{ groupId: "g", settings: relaySettings(this.#settings), origin }] as const;
    return this.kernel.spawn(Group, { args: [...args], concurrency: 10_000 });
  }

  /** Answers all who look for the group. */
  async meet(): Promise<void> {
    await this.kernel.settle();
    for (const kit of this.kits) {
      for (const { answer } of kit.searches.splice(0)) {
        if (this.group === null) answer(refuseRelay("group_not_found"));
        else answer({ ok: true, group: this.group, isNew: false });
      }
    }
    await this.kernel.settle();
  }

  kit(thread: number): FanoutKit {
    const kit = this.kits[thread];
    assert.ok(kit);
    return kit;
  }

  async join(thread: number, userId: string, payload: unknown = {}): Promise<Client> {
    const kit = this.kit(thread);
    const client = kit.client(userId);
    kit.tell.enter(client.session, "g", payload);
    await this.meet();
    return client;
  }

  async say(userId: string, message: string): Promise<number> {
    const asked = this.#theGroup.ask.send({ userId, requestId: "r" }, JSON.stringify(message));
    const answer = await this.kernel.until(asked);
    assert.ok("ok" in answer && answer.ok, JSON.stringify(answer));
    await this.kernel.settle();
    return answer.recipients;
  }

  /** The node itself changes what a member is. */
  async operate(operation: MemberOperation, userId: string): Promise<MemberState | null> {
    const answer = await this.kernel.until(this.#theGroup.ask.operate(operation, null, userId));
    assert.ok("ok" in answer && answer.ok, JSON.stringify(answer));
    return answer.member;
  }

  /** The members of the group, with how many sessions of each it knows of. */
  async members(): Promise<Record<string, number>> {
    const answer = await this.kernel.until(this.#theGroup.ask.info(null));
    assert.ok("info" in answer);
    const { members } = answer.info;
    return Object.fromEntries(members.map(({ userId, devices }) => [userId, devices]));
  }

  /** From now on there is no room for what groups tell a thread; the result makes room again. */
  fill(thread: number): () => void {
    const cell = this.kernel.kernel.find(this.kit(thread).ref.id);
    assert.ok(cell !== undefined);
    const post: typeof cell.post = (envelope) => {
      const { method } = envelope;
      const name = typeof method === "string" ? method : method.name;
      const isTold = fromGroup.some((one) => one === name);
      return !isTold && Object.getPrototypeOf(cell).post.call(cell, envelope);
    };
    Object.assign(cell, { post });
    return () => {
      Reflect.deleteProperty(cell, "post");
    };
  }

  get #theGroup(): ActorRef<Group> {
    assert.ok(this.group !== null);
    return this.group;
  }
}

/** What a client was told: messages as what was said, the rest as the names of their events. */
export function heard(channel: FakeChannel): string[] {
  return channel.taken().map((line) => {
    const [event, text = ""] = line.split(/ (.*)/);
    return event === "msg" ? JSON.parse(text).result.message : (event ?? "");
  });
}
