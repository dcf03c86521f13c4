/** How a member of the relay bench talks to each of the servers. */
import { call, event, topic } from "./relay-message.ts";

export interface RelayProtocol {
  /** Where member `index` connects; the first one is the sender. */
  path(index: number): string;
  /** What to say when the connection is open; null: it is joined as soon as it is open. */
  readonly hello: string | null;
  /** What stands in the text that says it is joined. */
  readonly joined: string;
  /** A message of the sender. */
  readonly request: string;
}

const push = `["1","7","${topic}","${event}",${call}]`;

/** The servers that are compared. */
export type RelaySide = "bare" | "gateway" | "socketio";

export const relayProtocols: Readonly<Record<RelaySide, RelayProtocol>> = {
  bare: { path: () => "/", hello: null, joined: "", request: push },
  gateway: {
    path: (index) => `/socket/websocket?vsn=2.0.0&user_id=member-${index}`,
    hello: `["1","1","${topic}","phx_join",{}]`,
    joined: '"phx_reply",{"status":"ok"',
    request: push,
  },
  socketio: {
    path: () => "/socket.io/?EIO=4&transport=websocket",
    hello: "40",
    joined: '40{"sid"',
    request: `42["${event}",${call}]`,
  },
};
