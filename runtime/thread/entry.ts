/** The first module of every worker: it makes the thread's kernel and obeys the main thread. */
import { workerData } from "node:worker_threads";
import { type Endpoint, expose } from "comlink";
import {
  Activity,
  Dispatcher,
  handlerScope,
  importModule,
  inspectKernel,
  Kernel,
  logSlowTurn,
  onLabel,
} from "../actor/index.ts";
import type { ClusterThread } from "../cluster/index.ts";
import { type Log, systemClock, systemRandom, toErrorRecord } from "../core/index.ts";
import type { ThreadConfig, ThreadControl, ThreadData, ThreadReport } from "./control.ts";
import { LabelMemory } from "./label-memory.ts";
import { Link } from "./link.ts";
import { postReport } from "./report.ts";

const data = workerData as ThreadData;
const { thread, incarnation, config } = data;

const report = (message: ThreadReport): void => postReport(message);

const log: Log = (level, message, fields) => {
  try {
    report({ type: "log", level, message, fields });
  } catch {
    // A field that cannot leave the thread must not take the line with it.
    report({ type: "log", level, message, fields: JSON.parse(JSON.stringify(fields) ?? "{}") });
  }
};

const labels = new LabelMemory(data.labels);
onLabel((label) => labels.append(label));

// A dedicated thread may block, but not for an answer that nobody waits for any more.
const activity = new Activity(data.activity, data.dedicated ? systemClock : null);
const kernel: Kernel = new Kernel({
  thread,
  incarnation,
  nodeName: config.cluster?.config.name ?? null,
  clock: systemClock,
  random: systemRandom,
  log,
  scheduler: new Dispatcher(systemClock, config.slowTurnMs, logSlowTurn(log)),
  activity,
  loadModule: (url) => activity.whileLoading(() => importModule(url)),
  strictMessages: config.strictMessages,
  onHostedStopped: data.dedicated ? () => report({ type: "finished" }) : null,
});

const links = new Map<number, Link>();
const nodes = config.cluster && (await startNodes(config.cluster));

const control: ThreadControl = {
  async connect(end, greet) {
    const link = new Link(kernel, end);
    links.set(end.thread, link);
    link.open();
    if (greet) await link.greeting;
  },
  threadDown(downThread, message, culprits) {
    links.get(downThread)?.close(message);
    links.delete(downThread);
    kernel.routes.threadDown(downThread, message, culprits);
  },
  inspect: () => inspectKernel(kernel, [...links.values(), ...(nodes?.loads() ?? [])]),
  async serveNodes() {
    await nodes?.listen(true);
  },
  async leaveNodes(reason) {
    await nodes?.close(reason);
  },
  exit() {
    // Not at once: what the actors said last shall leave the thread.
    setImmediate(() => process.exit(0));
  },
};
expose(control, data.control as object as Endpoint);

/** Threads of a system that is no node start without the code of one. */
async function startNodes(cluster: NonNullable<ThreadConfig["cluster"]>): Promise<ClusterThread> {
  const { ClusterThread, tcpTransport } = await import("../cluster/index.ts");
  const transport = tcpTransport(cluster.config.tls);
  return new ClusterThread(kernel, cluster.config, cluster.incarnation, transport);
}

function beat(): void {
  activity.beat();
  systemClock.after(config.heartbeatMs, beat);
}
beat();

process.on("uncaughtException", (error) => {
  const culprit = handlerScope.getStore()?.actorId ?? activity.read()?.actorId ?? 0;
  const { message, stack } = toErrorRecord(error);
  log("error", "uncaught exception", { thread, culprit, error: message, stack });
  report({ type: "fatal", message: `uncaught exception: ${message}`, culprit });
  process.exit(1);
});

// A rejection that nobody handles leaves nothing half-done in this thread: its actor alone ends.
process.on("unhandledRejection", (rejected) => {
  const actorId = handlerScope.getStore()?.actorId ?? 0;
  const cell = kernel.find(actorId);
  const { message, stack } = toErrorRecord(rejected);
  log("error", "unhandled rejection", {
    actor: cell ? kernel.describe(cell) : null,
    error: message,
    stack,
  });
  cell?.crash("unhandled rejection", rejected);
});
