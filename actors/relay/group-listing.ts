import { type ActorContext, type ActorRef, HERE } from "#runtime";
import { LOCAL_NODE } from "../replicas/index.ts";
import type { Group } from "./group.ts";
import type { GroupInfo } from "./group-messages.ts";
import { relayViewOf } from "./relay-view.ts";

/** A group as an operator sees it in a list. */
export interface ListedGroup {
  readonly groupId: string;
  /** The name of the node that it lives on; `local` where there is no cluster. */
  readonly node: string;
  /** The address of its actor. */
  readonly pid: string;
  /** What it tells of itself, without its members; null: it did not answer. */
  readonly about: Omit<GroupInfo, "groupId" | "members"> | null;
}

/** The groups of all gateways. */
export interface GroupListing {
  /** Those that match, listed or not. */
  readonly total: number;
  /** By name. */
  readonly groups: readonly ListedGroup[];
  /** Shards whose groups are not known, because they did not answer. */
  readonly silent: number;
}

/** How long shards and groups may take to answer, ms. */
const answerTimeoutMs = 2_000;

interface Held {
  readonly groupId: string;
  readonly node: string;
  readonly group: ActorRef<Group>;
}

/**
 * The groups of all gateways that are up, the first `limit` of those whose name the pattern fits.
 *
 * @param pattern a part of the name, or the whole of it with `*` for any text; null: all
 */
export async function listGroups(
  context: ActorContext,
  pattern: string | null,
  limit: number,
): Promise<GroupListing> {
  const view = relayViewOf(context);
  const homes = view.nodes.flatMap(({ name, shards }) =>
    Array.from({ length: shards }, (_, index) => ({ node: name, shard: index + 1 })),
  );
  const held = await Promise.all(
    homes.map(async (home): Promise<readonly Held[] | null> => {
      const shard = view.shardAt(home)?.askWith({ timeoutMs: answerTimeoutMs });
      const groups = await shard?.groups().catch(() => undefined);
      const node = home.node === HERE ? LOCAL_NODE : home.node;
      return groups?.map((one) => ({ ...one, node })) ?? null;
    }),
  );
  const fits = compilePattern(pattern);
  const matching = held
    .flatMap((groups) => groups ?? [])
    .filter(({ groupId }) => fits(groupId))
    .sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  return {
    total: matching.length,
    groups: await Promise.all(matching.slice(0, limit).map(describe)),
    silent: held.filter((groups) => groups === null).length,
  };
}

async function describe({ groupId, node, group }: Held): Promise<ListedGroup> {
  const place = { groupId, node, pid: String(group) };
  const ask = group.askWith({ timeoutMs: answerTimeoutMs });
  const answer = await ask.info(null).catch(() => null);
  if (answer === null || "moved" in answer || !answer.ok) return { ...place, about: null };
  const { groupId: _groupId, members: _members, ...about } = answer.info;
  return { ...place, about };
}

function compilePattern(pattern: string | null): (name: string) => boolean {
  if (pattern === null) return () => true;
  if (!pattern.includes("*")) return (name) => name.includes(pattern);
  const parts = pattern.split("*").map((part) => RegExp.escape(part));
  const whole = new RegExp(`^${parts.join(".*")}$`, "s");
  return (name) => whole.test(name);
}
