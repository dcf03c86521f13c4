import assert from "node:assert/strict";
import type { ActorRef } from "#runtime";
import { type ProbeHandle, type TestKernel, testKernel } from "#runtime/testing";
import type { Fanout } from "../../../actors/relay/fanout.ts";
import type { Claim, EnterAnswer, EnterRequest } from "../../../actors/relay/fanout-messages.ts";
import { Group } from "../../../actors/relay/group.ts";
import type { GroupKind, MemberState } from "../../../actors/relay/group-kind.ts";
import type {
  GroupAnswer,
  GroupOrigin,
  GroupSummary,
  SendAnswer,
} from "../../../actors/relay/group-messages.ts";
import type { PresenceDiff } from "../../../actors/relay/presence.ts";
import { parseRelaySettings, type RelaySettings } from "../../../actors/relay/relay-settings.ts";

/** The settings where nothing is configured, but for what is given. */
export function relaySettings(given: Partial<RelaySettings> = {}): RelaySettings {
  const outcome = parseRelaySettings({}, "relay");
  assert.ok(outcome.ok);
  return { ...outcome.settings, ...given };
}

/** What a group tells fan-outs. */
export const fromGroup = [
  "entered",
  "reentered",
  "deliver",
  "changed",
  "presence",
  "closed",
  "moved",
  "fellBehind",
] as const;

type FanoutMessages = Pick<Fanout, (typeof fromGroup)[number]>;

interface SessionView {
  readonly userId: string;
  receives: boolean;
  readonly offsets: number[];
}

/** What a fan-out would do with what a group tells it: who receives, and what was received. */
export class FanoutView {
  readonly #handle: ProbeHandle<FanoutMessages>;
  #taken = 0;
  /** By session: its user, whether messages are for it, and the offsets that came. */
  readonly sessions: Map<number, SessionView> = new Map();
  readonly members: Map<string, MemberState> = new Map();
  readonly #asked = new Map<number, EnterRequest>();
  epoch: string = "";
  offset: number = 0;
  isClosed: boolean = false;
  movedTo: ActorRef<Group> | null = null;
  /** How often it was told to claim the group anew. */
  timesBehind: number = 0;
  deliveries: number = 0;
  /** How often it was told who came and went. */
  presences: number = 0;
  readonly refusals: string[] = [];
  readonly answers: EnterAnswer[] = [];
  /** Who has come and gone, as it was told. */
  readonly diffs: PresenceDiff[] = [];

  constructor(handle: ProbeHandle<FanoutMessages>) {
    this.#handle = handle;
  }

  get ref(): ActorRef<Fanout> {
    return this.#handle.ref as unknown as ActorRef<Fanout>;
  }

  ask(request: EnterRequest): void {
    this.#asked.set(request.no, request);
  }

  /** Forgets a session; its members stay known until none has one. */
  exit(session: number): void {
    const gone = this.sessions.get(session);
    this.sessions.delete(session);
    if (gone === undefined) return;
    const others = [...this.sessions.values()].some(({ userId }) => userId === gone.userId);
    if (!others) this.members.delete(gone.userId);
  }

  claim(groupId: string, kind: GroupKind, isDurable: boolean): Claim {
    const members = [...this.members.values()].map((member) => ({
      ...member,
      sessions: [...this.sessions]
        .filter(([, { userId }]) => userId === member.userId)
        .map(([session]) => ({ session, deviceId: null, meta: {}, isOfTopic: true })),
    }));
    return { groupId, kind, isDurable, epoch: this.epoch, offset: this.offset, members };
  }

  /** Works on what has come since the last time. */
  take(): void {
    const { messages } = this.#handle.record;
    for (; this.#taken < messages.length; this.#taken += 1) {
      const message = messages[this.#taken];
      if (message === undefined) continue;
      if (message.method === "entered") this.#entered(...message.args);
      else if (message.method === "reentered") this.#reentered(...message.args);
      else if (message.method === "deliver") this.#deliver(message.args[1]);
      else if (message.method === "presence") this.#presence(message.args[1]);
      else if (message.method === "changed") this.#changed(...message.args);
      else if (message.method === "closed") this.#close();
      else if (message.method === "moved") this.movedTo = message.args[1];
      else if (message.method === "fellBehind") this.timesBehind += 1;
    }
  }

  #entered(...[, no, answer]: Parameters<Fanout["entered"]>): void {
    const request = this.#asked.get(no);
    assert.ok(request);
    this.answers.push(answer);
    if (!answer.ok) {
      this.refusals.push(answer.code);
      return;
    }
    const { userId, session } = request;
    this.epoch = answer.epoch;
    this.offset = answer.offset;
    this.members.set(userId, answer.member);
    const receives = answer.member.status !== "pending";
    if (!this.sessions.has(session)) this.sessions.set(session, { userId, receives, offsets: [] });
  }

  #reentered(...[, answer]: Parameters<Fanout["reentered"]>): void {
    if ("ok" in answer) {
      this.#close();
      return;
    }
    this.epoch = answer.epoch;
    this.offset = answer.offset;
    this.members.clear();
    for (const member of answer.members) this.members.set(member.userId, member);
    for (const [session, known] of [...this.sessions]) {
      const member = this.members.get(known.userId);
      if (member === undefined) this.sessions.delete(session);
      else known.receives = member.status !== "pending";
    }
  }

  #presence(diff: PresenceDiff): void {
    this.presences += 1;
    this.diffs.push(diff);
  }

  #deliver(offset: number): void {
    this.offset = offset;
    this.deliveries += 1;
    for (const session of this.sessions.values()) {
      if (session.receives) session.offsets.push(offset);
    }
  }

  #changed(...[, member, isGone]: Parameters<Fanout["changed"]>): void {
    if (isGone) this.members.delete(member.userId);
    else this.members.set(member.userId, member);
    for (const [session, known] of [...this.sessions]) {
      if (known.userId !== member.userId) continue;
      if (isGone) this.sessions.delete(session);
      else known.receives = member.status !== "pending";
    }
  }

  #close(): void {
    this.isClosed = true;
    this.sessions.clear();
    this.members.clear();
  }
}

/** One group on one thread, in virtual time, with fan-outs that are probes. */
export class GroupKit {
  readonly kernel: TestKernel;
  readonly group: ActorRef<Group>;
  readonly fanouts: FanoutView[] = [];
  #requests = 0;

  private constructor(kernel: TestKernel, group: ActorRef<Group>) {
    this.kernel = kernel;
    this.group = group;
  }

  static async start(
    origin: GroupOrigin,
    settings: Partial<RelaySettings> = {},
    fanouts = 2,
    kernel: TestKernel = testKernel(),
  ): Promise<GroupKit> {
    const start = { groupId: "room", settings: relaySettings(settings), origin };
    const group = await kernel.spawn(Group, { args: [start], concurrency: 10_000 });
    const kit = new GroupKit(kernel, group);
    for (let i = 0; i < fanouts; i += 1) await kit.addFanout();
    return kit;
  }

  async addFanout(): Promise<FanoutView> {
    const view = new FanoutView(await this.kernel.probe<FanoutMessages>(fromGroup));
    this.fanouts.push(view);
    return view;
  }

  fanout(index: number): FanoutView {
    const view = this.fanouts[index];
    assert.ok(view);
    return view;
  }

  async enter(
    index: number,
    session: number,
    userId: string,
    asked: Partial<EnterRequest> = {},
  ): Promise<void> {
    this.#requests += 1;
    const no = this.#requests;
    const given = { no, session, userId, deviceId: null, meta: {}, isOfTopic: true };
    const request = { ...given, since: null, epoch: null, ...asked };
    const view = this.fanout(index);
    view.ask(request);
    this.group.tell.enter(view.ref, request);
    await this.settle();
  }

  async exit(index: number, ...sessions: number[]): Promise<void> {
    const view = this.fanout(index);
    for (const session of sessions) view.exit(session);
    this.group.tell.exit(view.ref, sessions);
    await this.settle();
  }

  async send(userId: string | null, message: unknown = "hi"): Promise<GroupAnswer<SendAnswer>> {
    const text = JSON.stringify(message);
    const sent = this.group.ask.send({ userId, requestId: "r" }, text);
    const answer = await this.kernel.until(sent);
    await this.settle();
    return answer;
  }

  async summary(userId: string): Promise<GroupSummary | null> {
    const answer = await this.kernel.until(this.group.ask.summary(userId));
    assert.ok("ok" in answer && answer.ok);
    return answer.summary;
  }

  /** Whether the group has ended. */
  get isOver(): boolean {
    return this.kernel.kernel.find(this.group.id) === undefined;
  }

  async settle(): Promise<void> {
    await this.kernel.settle();
    for (const view of this.fanouts) view.take();
  }

  async advance(ms: number): Promise<void> {
    await this.kernel.advance(ms);
    for (const view of this.fanouts) view.take();
  }
}
