import assert from "node:assert/strict";
import type { RelayClient } from "./relay-client.ts";

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

/** All that every one of them must hold: no duplicate, no silent hole, the same messages. */
export function checkAll(clients: readonly RelayClient[]): void {
  for (const client of clients) client.check();
  checkAgree(clients);
}
