/** The other thread of the link bench: counts what it is sent, and answers pings, bare. */
import { parentPort } from "node:worker_threads";

let left = 0;
parentPort?.on("message", (message: readonly [string, number]) => {
  if (message[0] === "ping") parentPort?.postMessage(message);
  else if (message[0] === "expect") left = message[1];
  else {
    left -= 1;
    if (left === 0) parentPort?.postMessage("done");
  }
});
