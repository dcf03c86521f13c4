import type { TestContext } from "node:test";
import { Actor, type ActorRef, createSystem, type System } from "#runtime";
import type { Framed, GroupChannel } from "../../../actors/channel/index.ts";
import { Registry, registryName } from "../../../actors/registry/index.ts";
import { ChatService } from "../../../actors/relay/chat-service.ts";
import { Fanout } from "../../../actors/relay/fanout.ts";
import type { RelaySettings } from "../../../actors/relay/relay-settings.ts";
import { RelayShard } from "../../../actors/relay/shard.ts";
import type { CallInfo } from "../../../actors/request/index.ts";
import { ThreadCaller } from "../../../actors/service/index.ts";
import { relaySettings } from "./group-kit.ts";

/** A channel that remembers what was pushed to it. */
class RecordedChannel implements Partial<GroupChannel> {
  readonly topic = "api:lobby";
  readonly event = "api";
  readonly isOpen = true;
  readonly group = null;
  readonly formKey = "2.0.0 api:lobby api";
  readonly unreadBytes = 0;
  readonly offsets: number[] = [];
  readonly pushed: [event: string, payload: unknown][] = [];
  #onMessage: (() => void) | null = null;

  encode(event: string, json: string): string {
    return JSON.stringify([null, null, this.topic, event, JSON.parse(json)]);
  }
  /** The offsets of messages, as they stand in the bytes. */
  sendFrames({ bytes }: Framed): void {
    const found = bytes.toString("latin1").matchAll(/"offset":(\d+)/g);
    for (const [, offset] of found) this.offsets.push(Number(offset));
    this.#onMessage?.();
  }
  /** Resolves when so many messages have come: answers come by another way. */
  async hears(count: number): Promise<void> {
    while (this.offsets.length < count) {
      await new Promise<void>((resolve) => {
        this.#onMessage = resolve;
      });
    }
  }
  send(event: string, json: string): void {
    this.pushed.push([event, JSON.parse(json)]);
  }
  wantRoom(): void {}
}

/** What the desks of this process find, by number: sessions are told apart by them alone. */
const channelsOf = new Map<number, RecordedChannel>();

/** Stands in for the acceptor: starts the fan-out, which takes its channels by reference. */
export class Desk extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #settings: RelaySettings;

  constructor(settings: RelaySettings) {
    super();
    this.#settings = settings;
  }

  protected override async init(): Promise<void> {
    const find = (session: number): GroupChannel | undefined =>
      channelsOf.get(session) as unknown as GroupChannel | undefined;
    const args: ConstructorParameters<typeof Fanout> = [{ find }, this.#settings];
    await this.context.spawn(Fanout, { name: "fanout-0", concurrency: 10_000, args });
  }
}

/** The chat functions of one thread, with groups, a fan-out, and a few sessions. */
export interface ChatKit {
  readonly system: System;
  readonly chat: ActorRef<ChatService>;
  /** Who asks from a session of that number; a call without one comes from no channel. */
  as(userId: string | null, session?: number): CallInfo;
  readonly channels: ReadonlyMap<number, RecordedChannel>;
}

/** The last number of the sessions that there are; the first one is 1. */
const sessions = 5;

/** Starts all of it on the main thread, without a cluster. */
export async function startChat(
  t: TestContext,
  given: Partial<RelaySettings> = {},
): Promise<ChatKit> {
  const system = await createSystem({ threads: 0, strictMessages: true, log: () => {} });
  t.after(() => system.stop());
  const settings = relaySettings(given);
  for (let session = 1; session <= sessions; session += 1) {
    channelsOf.set(session, new RecordedChannel());
  }
  await system.spawn(Registry, { name: registryName });
  await system.spawn(ThreadCaller, { name: "caller-0", thread: 0 });
  await system.spawn(RelayShard, {
    ...{ name: "relay-1", thread: 0, concurrency: 10_000, args: [1, 1, settings] },
  });
  await system.spawn(Desk, { name: "desk", thread: 0, args: [settings] });
  const chat = await system.spawn(ChatService, {
    ...{ name: "chat_service-1", thread: 0, concurrency: 10_000 },
    args: [{ settings, registers: true }],
  });
  return {
    ...{ system, chat, channels: channelsOf },
    as(userId, session) {
      const info = { requestId: `r-${userId}`, userId, userRoles: [], deviceId: null };
      if (session === undefined) return info;
      // Of a session only the number and the thread count.
      return { ...info, session: { node: "0", thread: 0, id: session } as unknown as ActorRef };
    },
  };
}
