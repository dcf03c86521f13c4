import assert from "node:assert/strict";
import { eventually } from "../deadline.ts";
import { patientMs, type RelayClient } from "./relay-client.ts";

/** Under one epoch, an offset is the same message for everybody. */
function checkAgree(clients: Iterable<RelayClient>): void {
  const known = new Map<string, string>();
  for (const { userId, heard } of clients) {
    for (const { epoch, offset, from, message, requestId } of heard) {
      const place = `${epoch} ${offset}`;
      const said = `${from} ${requestId} ${JSON.stringify(message)}`;
      const other = known.get(place);
      if (other === undefined) known.set(place, said);
      else assert.equal(said, other, `${userId} at ${place}`);
    }
  }
}

/** What `group_info` says of the sessions of members. */
interface Info {
  readonly members: readonly { readonly status: string; readonly devices: number }[];
}

/**
 * Resolves when so many sessions are those that a message reaches, as the group itself has it, asked by
 * a member. That a connection has ended comes to it by another way than what members say.
 */
export async function reachesSessions(member: RelayClient, count: number): Promise<void> {
  await eventually(
    () => member.result<Info>("group_info"),
    ({ members }) => {
      const reached = members.filter(({ status }) => status !== "pending");
      return reached.reduce((sum, { devices }) => sum + devices, 0) === count;
    },
    `messages reach ${count} sessions of ${member.groupId}`,
    patientMs,
  );
}

/** All that every one of them must hold: no duplicate, no silent hole, the same messages. */
export function checkAll(clients: readonly RelayClient[]): void {
  for (const client of clients) client.check();
  checkAgree(clients);
}
