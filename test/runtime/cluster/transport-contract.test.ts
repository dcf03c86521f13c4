import { ManualClock, MemoryNetwork } from "#runtime/testing";
import { tcpTransport } from "../../../runtime/cluster/index.ts";
import { seededRandom } from "../../../runtime/core/index.ts";
import { runOn } from "./run-on.ts";
import { transportContract } from "./transport-contract.ts";

transportContract("memory", () => {
  const clock = new ManualClock();
  const network = new MemoryNetwork(clock, seededRandom(1), { latencyMs: 1, jitterMs: 5 });
  return {
    transport: network.transport("one@sim:1"),
    host: "sim",
    run: (promise) => runOn(clock, promise),
  };
});

transportContract("TCP", () => ({
  transport: tcpTransport(null),
  host: "127.0.0.1",
  run: (promise) => promise,
}));
