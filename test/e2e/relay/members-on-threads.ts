import { selectShard } from "../../../actors/relay/home.ts";
import type { Scope } from "../gateway-process.ts";
import { type Door, RelayClient } from "./relay-client.ts";

const threads = [1, 2] as const;

let lastRoom = 0;

/** A new group whose home is that thread of two: the shards are numbered as the threads are. */
export function groupOn(thread: number): string {
  for (;;) {
    lastRoom += 1;
    const groupId = `room-${lastRoom}`;
    if (selectShard(groupId, threads.length) === thread) return groupId;
  }
}

/** Members of a group, `count` on each of two threads; needs `thread-service.ts`. */
export async function joinOnEach(
  scope: Scope,
  door: Door,
  groupId: string,
  count: number,
): Promise<Map<number, RelayClient[]>> {
  const found = new Map<number, RelayClient[]>(threads.map((thread) => [thread, []]));
  for (let number = 1; [...found.values()].some(({ length }) => length < count); number++) {
    const client = await RelayClient.join(scope, door, { userId: `u${number}`, groupId });
    const clients = found.get(await threadOf(client)) ?? [];
    if (clients.length < count) clients.push(client);
    else {
      await client.call("leave_group");
      await client.cut();
    }
  }
  return found;
}

/** The thread that has a client's socket: the instance of a call is taken there. */
async function threadOf(client: RelayClient): Promise<number> {
  return Number((await client.callService("thread_service", "thread", {}))?.result);
}
