import assert from "node:assert/strict";
import type { ActorRef } from "#runtime";
import { type ProbeHandle, type ProbeMessage, type TestKernel, testKernel } from "#runtime/testing";
import type {
  Framed,
  GroupChannel,
  GroupChannelOptions,
  GroupSessions,
} from "../../../actors/channel/index.ts";
import { Fanout, fanoutOptions } from "../../../actors/relay/fanout.ts";
import type { FanoutSettings } from "../../../actors/relay/fanout-group.ts";
import type {
  Claim,
  EnterAccepted,
  EnterRequest,
  JoinRequest,
  ReenterAnswer,
} from "../../../actors/relay/fanout-messages.ts";
import type { Group } from "../../../actors/relay/group.ts";
import type { MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupFinder } from "../../../actors/relay/group-link.ts";
import type { GroupSearch, Intent } from "../../../actors/relay/intent.ts";
import type { PresenceMeta, PresenceState } from "../../../actors/relay/presence.ts";

/** A client's channel that notes what becomes of it, one line for each thing. */
export class FakeChannel implements GroupChannel {
  readonly topic: string;
  readonly event: string;
  readonly caller: GroupChannel["caller"];
  readonly group: GroupChannelOptions | null;
  readonly lines: string[] = [];
  /** The buffers that were shared, to be compared by identity. */
  readonly framed: Framed[] = [];
  encoded = 0;
  isOpen = true;
  unreadBytes = 0;
  roomsWanted = 0;

  constructor(
    userId: string | null,
    topic: string,
    event: string,
    group: GroupChannelOptions | null,
  ) {
    this.topic = topic;
    this.event = event;
    this.group = group;
    const base = { userRoles: [], deviceId: `${userId}'s`, ipAddress: null, assigns: {} };
    this.caller = { ...base, userId };
  }

  get formKey(): string {
    return `${this.topic} ${this.event}`;
  }

  encode(event: string, json: string): string {
    this.encoded += 1;
    return `${event} ${json}`;
  }

  sendFrames(frames: Framed): void {
    if (!this.isOpen) return;
    this.framed.push(frames);
    this.lines.push(...parseFrames(frames.bytes));
  }

  send(event: string, json: string): void {
    if (this.isOpen) this.lines.push(`${event} ${json}`);
  }

  joined(json: string): void {
    if (this.isOpen) this.lines.push(`joined ${json}`);
  }

  refused(json: string): void {
    if (this.isOpen) this.lines.push(`refused ${json}`);
    this.isOpen = false;
  }

  end(isCrash: boolean): void {
    if (this.isOpen) this.lines.push(isCrash ? "crashed" : "closed");
    this.isOpen = false;
  }

  disconnect(): void {
    if (this.isOpen) this.lines.push("disconnected");
    this.isOpen = false;
  }

  wantRoom(): void {
    this.roomsWanted += 1;
  }

  /** What was noted since the last time. */
  taken(): string[] {
    return this.lines.splice(0);
  }
}

function parseFrames(bytes: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    assert.equal(bytes[at], 0x81, "a text frame");
    let length = bytes[at + 1] as number;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else assert.ok(length < 126);
    texts.push(bytes.toString("utf8", at, at + length));
    at += length;
  }
  return texts;
}

/** A search for a group, to be answered by the test. */
interface Search {
  readonly groupId: string;
  readonly intent: Intent;
  answer(result: GroupSearch): void;
}

/** What a fan-out tells groups. */
export type GroupPort = Pick<Group, "enter" | "reenter" | "exit">;

/** The fan-out of a thread with fake channels, a fake way to groups, and groups that are probes. */
export class FanoutKit {
  readonly kernel: TestKernel;
  readonly searches: Search[] = [];
  readonly forgotten: string[] = [];
  readonly #channels = new Map<number, FakeChannel>();
  #fanout: ActorRef<Fanout> | null = null;
  #last = 0;

  private constructor(kernel: TestKernel) {
    this.kernel = kernel;
  }

  static async start(
    settings: Partial<FanoutSettings> = {},
    kernel: TestKernel = testKernel(),
  ): Promise<FanoutKit> {
    const kit = new FanoutKit(kernel);
    const sessions: GroupSessions = { find: (session) => kit.#channels.get(session) };
    const finder: GroupFinder = {
      find: (groupId, intent) =>
        new Promise((answer) => kit.searches.push({ groupId, intent, answer })),
      forget: (groupId) => kit.forgotten.push(groupId),
    };
    const all: FanoutSettings = { slowMember: "skip", presence: true, ...settings };
    kit.#fanout = await kit.kernel.spawn(Fanout, {
      ...fanoutOptions,
      args: [sessions, all, finder],
    });
    return kit;
  }

  get ref(): ActorRef<Fanout> {
    assert.ok(this.#fanout !== null);
    return this.#fanout;
  }

  get tell(): ActorRef<Fanout>["tell"] {
    return this.ref.tell;
  }

  settle(): Promise<void> {
    return this.kernel.settle();
  }

  /** A client with a channel of its own; `topic` "chat:g" is that of the group g. */
  client(
    userId: string | null,
    topic = "chat:g",
    group: GroupChannelOptions | null = { create: "public", durable: false },
  ): { readonly session: number; readonly channel: FakeChannel } {
    this.#last += 1;
    const channel = new FakeChannel(userId, topic, "msg", topic.startsWith("chat:") ? group : null);
    this.#channels.set(this.#last, channel);
    return { session: this.#last, channel };
  }

  /** The channel is gone, and the fan-out has not heard of it. */
  forget(session: number): void {
    this.#channels.delete(session);
  }

  /** Ends a session as its socket does. */
  async exit(session: number): Promise<void> {
    const channel = this.#channels.get(session);
    if (channel !== undefined) channel.isOpen = false;
    this.#channels.delete(session);
    this.tell.exit(session);
    await this.settle();
  }

  probe(): Promise<ProbeHandle<GroupPort>> {
    return this.kernel.probe<GroupPort>(["enter", "reenter", "exit"]);
  }

  /** Answers the only search that waits. */
  async found(group: ProbeHandle<GroupPort>, isNew = false): Promise<void> {
    this.search().answer({ ok: true, group: asGroup(group), isNew });
    await this.settle();
  }

  /** A client whose channel is no group's is brought in by the chat functions, and is in. */
  async joinApi(
    group: ProbeHandle<GroupPort>,
    userId: string,
  ): Promise<{ readonly session: number; readonly channel: FakeChannel }> {
    const client = this.client(userId, "api:main");
    const joining = this.ref.ask.join(wanted(client.session, { userId }));
    await this.settle();
    if (this.searches.length > 0) await this.found(group);
    this.tell.entered("g", takeEnter(group).no, accepted(userId));
    await this.kernel.until(joining);
    return client;
  }

  /** Ends an actor that stands for a group. */
  async end({ ref }: ProbeHandle<GroupPort>): Promise<void> {
    const reason = { kind: "crash", message: "the test wants it" } as const;
    this.kernel.kernel.signal(ref, { type: "kill", reason });
    await this.settle();
  }

  /** Lets all actors have their turns without an end of the thread's turn in between. */
  async oneTurn(): Promise<void> {
    while (this.kernel.steps.readyCount > 0) this.kernel.steps.step();
    await this.settle();
  }

  search(): Search {
    const search = this.searches.shift();
    assert.ok(search !== undefined, "somebody searches");
    return search;
  }

  /** A client joins a channel of the group, and is in; presence is told to the first one. */
  async join(
    group: ProbeHandle<GroupPort>,
    userId: string,
    answer: Partial<EnterAccepted> = {},
    payload: unknown = {},
  ): Promise<{ readonly session: number; readonly channel: FakeChannel }> {
    const client = this.client(userId);
    this.tell.enter(client.session, "g", payload);
    await this.settle();
    if (this.searches.length > 0) await this.found(group);
    this.tell.entered("g", takeEnter(group).no, accepted(userId, answer));
    await this.settle();
    return client;
  }
}

export function asGroup({ ref }: ProbeHandle<GroupPort>): ActorRef<Group> {
  return ref as unknown as ActorRef<Group>;
}

/** The next thing that the group was told; a line. */
export function takeTold({ record }: ProbeHandle<GroupPort>): string {
  const { method, args } = record.expectMessage() as ProbeMessage<GroupPort>;
  return `${method} ${JSON.stringify(args[1])}`;
}

/** The next thing that the group was told must be an enter. */
export function takeEnter({ record }: ProbeHandle<GroupPort>): EnterRequest {
  const { method, args } = record.expectMessage();
  assert.equal(method, "enter");
  return args[1] as EnterRequest;
}

export function member(userId: string, state: Partial<MemberState> = {}): MemberState {
  return { userId, role: "member", status: "active", joinedAt: 1, version: 1, ...state };
}

/** An answer that lets a user in. */
export function accepted(userId: string, answer: Partial<EnterAccepted> = {}): EnterAccepted {
  const base = { epoch: "e1", offset: 0, kind: "public", isDurable: false } as const;
  const rest = { recovered: null, missed: [], presence: null };
  return { ok: true, ...base, ...rest, member: member(userId), ...answer };
}

/** Ann wants into the group g. */
export function wanted(session: number, more: Partial<JoinRequest> = {}): JoinRequest {
  const who = { session, groupId: "g", userId: "ann", deviceId: null };
  return { ...who, meta: {}, since: null, epoch: null, create: null, ...more };
}

/** Who is here: a device each. */
export function present(...refs: readonly string[]): PresenceState {
  return new Map(refs.map((ref) => [`${ref}'s user`, [{ phx_ref: ref }] as PresenceMeta[]]));
}

/** The claim that a group is told. */
export function takeClaim({ record }: ProbeHandle<GroupPort>): Claim {
  const { method, args } = record.expectMessage();
  assert.equal(method, "reenter");
  return args[1] as Claim;
}

/** What a group answers to it: all is as it was, unless told otherwise. */
export function found(claim: Claim, more: Partial<ReenterAnswer> = {}): ReenterAnswer {
  const members = claim.members.map(({ sessions: _, ...state }) => state);
  const { epoch, offset } = claim;
  return { epoch, offset, recovered: true, missed: [], members, presence: null, ...more };
}
