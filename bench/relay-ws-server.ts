/**
 * The yardstick: a bare `ws` server that sends every message to all who are connected, stringified
 * once per message.
 */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { type Call, createDelivery, event, topic } from "./relay-message.ts";
import { serveMeasurement } from "./server-process.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
let offset = 0;
server.on("connection", (socket) => {
  socket.on("message", (data) => {
    const [, , , , call] = JSON.parse(String(data)) as [unknown, unknown, unknown, unknown, Call];
    offset += 1;
    const text = JSON.stringify([null, null, topic, event, createDelivery(call, offset)]);
    for (const member of server.clients) member.send(text);
  });
});
server.on("listening", () => {
  const { port } = server.address() as AddressInfo;
  serveMeasurement(port, async () => server.close());
});
