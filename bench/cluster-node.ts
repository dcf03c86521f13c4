/** A node of the cluster under measurement. Arguments: its name, and the one to join. */
import { setTimeout as sleep } from "node:timers/promises";
import { createSystem } from "#runtime";
import { Asker, Peer, peerName, Silent, silentName } from "./cluster-actors.ts";
import { serveMeasurement } from "./server-process.ts";

const [name = "", ...join] = process.argv.slice(2);
const system = await createSystem({ threads: 1, cluster: { name, join, cookie: "bench" } });
const thread = 1;
// As many may wait as the connection lets through.
const mailboxCapacity = 1_000_000;
await system.spawn(Peer, { name: peerName, thread, mailboxCapacity });
await system.spawn(Silent, { name: silentName, thread, concurrency: 10_000 });
const asker = await system.spawn(Asker, { name: "asker", thread, concurrency: 10_000 });
const forever = asker.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
const port = Number(name.slice(name.lastIndexOf(":") + 1));
serveMeasurement(port, () => system.stop(), {
  meet: async (node: string) => {
    while (!(await asker.ask.knows(node))) await sleep(5);
  },
  ask: (node: string, inFlight: number, durationMs: number) =>
    forever.ask(node, inFlight, durationMs),
  flood: (node: string, messageBytes: number, bytesPerSecond: number, durationMs: number) =>
    forever.flood(node, messageBytes, bytesPerSecond, durationMs),
  pingBeside: (node: string, answerBytes: number) => forever.pingBeside(node, answerBytes),
  pingAlone: (node: string, durationMs: number) => forever.pingAlone(node, durationMs),
  lose: (node: string, pid: number, count: number) => forever.lose(node, pid, count),
});
