/**
 * The named peer: Moleculer with its TCP transporter and everything else as it comes. Arguments: the
 * port of the node with the action, and `asker` for the node that calls it.
 */
import { ServiceBroker, Transporters } from "moleculer";
import { keepInFlight } from "./ask-load.ts";
import { serveMeasurement } from "./server-process.ts";

const [port = "", role = "echo"] = process.argv.slice(2);
const isAsker = role === "asker";
const broker = new ServiceBroker({
  nodeID: role,
  logger: false,
  transporter: new Transporters.TCP({
    // Found by its address: multicast is not to be had everywhere.
    udpDiscovery: false,
    useHostname: false,
    ...(isAsker ? { urls: `127.0.0.1:${port}/echo` } : { port: Number(port) }),
  }),
});
if (!isAsker) {
  broker.createService({
    name: "echo",
    actions: { echo: (context: { readonly params: unknown }) => context.params },
  });
}
await broker.start();
if (isAsker) await broker.waitForServices("echo", 20_000, 50);
serveMeasurement(Number(port), () => broker.stop(), {
  ask: (inFlight: number, durationMs: number) =>
    keepInFlight(inFlight, durationMs, () => broker.call("echo.echo", { message: "hello" })),
});
