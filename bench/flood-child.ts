/** Calls an async function of a second 100,000 times at once; ends when no more are to be refused. */
import { once } from "node:events";
import { WebSocket } from "ws";

const [url = "", count = "0"] = process.argv.slice(2);
const calls = Number(count);
/** 1,000 at work, 10,000 in the mailbox. */
const taken = 11_000;
const socket = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true });
await once(socket, "open");
socket.send('["1","1","api:lobby","phx_join",{"reply":"inline"}]');
await once(socket, "message");
let ended = 0;
let refused = 0;
socket.on("message", (data: Buffer) => {
  if (data.includes('"async":true')) return;
  ended += 1;
  if (data.includes('"code":"queue_full"')) refused += 1;
  if (ended !== Math.max(1, calls - taken)) return;
  process.send?.({ refused });
  socket.terminate();
});
for (let index = 0; index < calls; index += 1) {
  socket.send(
    `["1","${index}","api:lobby","api",{"service":"pipeline_service","request_type":"slow",` +
      `"request_id":"f${index}"}]`,
  );
}
