/** Socket.IO, over WebSocket alone: every message goes to a room that all connections are in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { type Call, createDelivery, event, group } from "./relay-message.ts";
import { serveMeasurement } from "./server-process.ts";

const http = createServer();
const server = new Server(http, { transports: ["websocket"], serveClient: false });
let offset = 0;
server.on("connection", (socket) => {
  socket.join(group);
  socket.on(event, (call: Call) => {
    offset += 1;
    server.to(group).emit(event, createDelivery(call, offset));
  });
});
http.listen(0, "127.0.0.1", () => {
  const { port } = http.address() as AddressInfo;
  serveMeasurement(port, () => server.close());
});
