/** The yardstick: a bare `ws` server that sends every message back. */
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { serveMeasurement } from "./server-process.ts";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on("listening", () => {
  const { port } = server.address() as AddressInfo;
  serveMeasurement(port, async () => server.close());
});
