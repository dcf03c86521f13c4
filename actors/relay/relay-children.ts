import {
  type ActorContext,
  type ActorRef,
  type ChildSpec,
  type ChildStart,
  childOf,
} from "#runtime";
import type { GroupDesk, GroupSessions } from "../channel/index.ts";
import { ChatService } from "./chat-service.ts";
import { Fanout, fanoutOptions, fanoutPrefix } from "./fanout.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { RelayShard, shardPrefix } from "./shard.ts";
import { storeChild } from "./store.ts";

/** What all who look for groups may have waiting at a shard. */
const mailboxCapacity = 1_000_000;
const manyAtOnce = 10_000;
/** Time in which a node that stops hands its groups over. */
const handOverMs = 10_000;

/**
 * The children of the gateway's supervisor that make relay groups, in the order of their start: the
 * file of durable groups, a shard and the chat functions on each scheduler thread. They stop after
 * the acceptors, whose sessions leave the groups first.
 */
export function relayChildren(
  schedulers: readonly number[],
  settings: RelaySettings | null,
): ChildSpec<ChildStart>[] {
  if (settings === null) return [];
  const { storage } = settings;
  const stores = storage === null ? [] : [storeChild(storage)];
  const shards = schedulers.map((thread, index) =>
    childOf(RelayShard, {
      args: [index + 1, schedulers.length, settings],
      shutdown: handOverMs,
      options: {
        ...{ name: `${shardPrefix}${index + 1}`, thread, mailboxCapacity },
        concurrency: manyAtOnce,
      },
    }),
  );
  const functions = schedulers.map((thread, index) =>
    childOf(ChatService, {
      args: [{ settings, registers: index === 0 }],
      options: { name: `chat_service-${index + 1}`, thread, concurrency: manyAtOnce },
    }),
  );
  return [...stores, ...shards, ...functions];
}

/** How an acceptor starts the fan-out of its thread; null: there are no relay groups. */
export function groupStarter(
  settings: RelaySettings | null,
): ((context: ActorContext, sessions: GroupSessions) => Promise<ActorRef<GroupDesk>>) | null {
  if (settings === null) return null;
  return (context, sessions) => {
    const { thread } = context;
    const name = `${fanoutPrefix}${thread}`;
    return context.spawn(Fanout, { ...fanoutOptions, name, thread, args: [sessions, settings] });
  };
}
