import { inspect } from "node:util";
import {
  type ActorRef,
  type Column,
  type Command,
  CommandError,
  type CommandTable,
  formatDuration,
  formatTable,
  type Parameter,
  parseArguments,
  parseModuleUrl,
  runtimeCommands,
  type System,
  withHelp,
} from "#runtime";
import { acceptorPrefix } from "../channel/index.ts";
import type { Response } from "../execution/index.ts";
import { isMap } from "../registry/index.ts";
import {
  type Loader,
  loaderName,
  type ServiceInfo,
  type ServiceRecord,
  servicesTable,
} from "../service/index.ts";
import type { Acceptor } from "./acceptor.ts";
import type { GatewayConfig } from "./config.ts";
import { type Console, consoleName } from "./console.ts";
import { troupeVersion } from "./version.ts";

/** How a gateway is, in short. */
interface Health {
  /** `degraded`: a service is down, or a thread does not answer. */
  readonly status: "ok" | "degraded";
  readonly name: string;
  readonly version: string;
  readonly uptimeMs: number;
  readonly threads: number;
  readonly silentThreads: readonly number[];
  readonly actors: number;
  readonly sockets: number;
  readonly sessions: number;
  /** Requests of clients in progress. */
  readonly inFlight: number;
  readonly services: readonly Pick<ServiceInfo, "name" | "status" | "reason">[];
}

/** What the commands act on. */
export interface RunningGateway {
  readonly system: System;
  readonly config: Pick<GatewayConfig, "name">;
}

/**
 * The commands of a gateway: the runtime's, and what there is to do with services. `running` is
 * called when one is carried out, so that a process without a gateway can list them.
 */
export function gatewayCommands(running: () => RunningGateway): CommandTable {
  const system = (): System => running().system;
  const runtime = runtimeCommands(system);
  const records = (): ReadonlyMap<string, ServiceRecord> =>
    new Map(system().table<ServiceRecord>(servicesTable).entries());
  const loader = (): ActorRef<Loader>["ask"] =>
    find<Loader>(system(), loaderName).askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  const x: Parameter = {
    name: "x",
    kind: "text",
    complete: () => [...system().names(), ...records().keys()],
  };
  const service: Parameter = {
    name: "service",
    kind: "text",
    complete: () => [...records().keys()],
  };
  const type: Parameter = {
    name: "type",
    kind: "text",
    complete: ([name = ""]) => records().get(name)?.functions ?? [],
  };
  const isService = (name: unknown): name is string =>
    typeof name === "string" && records().has(name);
  const stopActor = runtime.get("stop");
  const restartActor = runtime.get("restart");
  const commands: Command[] = [
    {
      name: "services",
      parameters: [],
      description: "the loaded services and their functions",
      run: () => loader().list(),
      format: formatServices,
    },
    {
      name: "spawn",
      parameters: [{ name: "path", kind: "file" }],
      description: "load a service module, or its new state; its functions can be called at once",
      run: (path) => loader().load(parseModuleUrl(path)),
      format: (info: ServiceInfo) => `loaded ${info.name}: ${info.functions.join(", ")}`,
    },
    {
      ...stopActor,
      parameters: [x],
      description: "stop a service, or an actor for good",
      run: async (name) => {
        if (!isService(name)) return stopActor.run(name);
        await loader().stop(name);
        return { service: name };
      },
      format: (stopped: Stoppable) =>
        "service" in stopped
          ? `stopped the service ${stopped.service}`
          : (stopActor.format?.(stopped as never) ?? ""),
    },
    {
      ...restartActor,
      parameters: [x],
      description: "load a service anew, or kill an actor so that its supervisor starts it anew",
      run: (name) => (isService(name) ? loader().restart(name) : restartActor.run(name)),
      format: (restarted: object) =>
        "functions" in restarted
          ? `loaded ${(restarted as ServiceInfo).name} anew`
          : (restartActor.format?.(restarted as never) ?? ""),
    },
    {
      name: "call",
      parameters: [
        service,
        type,
        { name: "args", kind: "json", optional: true },
        { name: "as", kind: "json", optional: true },
      ],
      description: "call a function as a client would, e.g. as {user_id}",
      run: (...given) => call(system(), given),
      format: ({ success, result, error, code }: Response) =>
        success ? inspect(result, { depth: 6 }) : `${code ?? "error"}: ${error}`,
    },
    {
      name: "health",
      parameters: [],
      description: "how the gateway is",
      run: () => inspectHealth(running(), records()),
      format: formatHealth,
    },
  ];
  return withHelp(runtime.with(commands));
}

type Stoppable = { readonly service: string } | { readonly pid: string };

function find<A>(system: System, name: string): ActorRef<A> {
  const ref = system.resolve(name);
  if (ref === undefined) throw new CommandError(`the ${name} is not running at the moment`);
  return ref as ActorRef<A>;
}

async function call(system: System, given: readonly unknown[]): Promise<Response> {
  const [service, type, args = {}, as = {}] = parseArguments(given);
  if (typeof service !== "string") throw new CommandError("service: expected a name");
  if (typeof type !== "string") throw new CommandError("type: expected the name of a function");
  if (!isMap(args)) throw new CommandError("args: expected an object of arguments by name");
  if (!isMap(as)) throw new CommandError("as: expected an object such as { user_id }");
  // The function has a deadline of its own.
  const timeoutMs = Number.POSITIVE_INFINITY;
  const ask = find<Console>(system, consoleName).askWith({ timeoutMs });
  return ask.call(service, type, args, as);
}

async function inspectHealth(
  { system, config }: RunningGateway,
  records: ReadonlyMap<string, ServiceRecord>,
): Promise<Health> {
  const { actors, threads, silent } = await system.inspect();
  const acceptors = system.names().filter((name) => name.startsWith(acceptorPrefix));
  const statistics = await Promise.all(
    acceptors.map(async (name) => {
      const ref = system.resolve(name) as ActorRef<Acceptor> | undefined;
      return ref
        ?.askWith({ timeoutMs: 1_000 })
        .statistics()
        .catch(() => undefined);
    }),
  );
  const sum = (key: "sockets" | "sessions" | "inFlight"): number =>
    statistics.reduce((total, one) => total + (one?.[key] ?? 0), 0);
  const services = [...records.values()].map(({ name, status, reason }) => ({
    ...{ name, status, reason },
  }));
  const isWell = silent.length === 0 && services.every(({ status }) => status === "running");
  return {
    status: isWell ? "ok" : "degraded",
    name: config.name,
    version: troupeVersion,
    uptimeMs: actors.find(({ name }) => name === "root")?.uptimeMs ?? 0,
    threads: threads.length,
    silentThreads: silent,
    actors: actors.length,
    ...{ sockets: sum("sockets"), sessions: sum("sessions"), inFlight: sum("inFlight") },
    services,
  };
}

function formatHealth(health: Health): string {
  const { status, name, version, uptimeMs, threads, silentThreads, services } = health;
  const { actors, sockets, sessions, inFlight } = health;
  const down = services.filter((service) => service.status === "down");
  const lines = [
    `${name} is ${status}: Troupe ${version}, up for ${formatDuration(uptimeMs)}`,
    `${threads} threads, ${actors} actors, ${services.length} services`,
    `${sockets} sockets, ${sessions} sessions, ${inFlight} requests in flight`,
    ...down.map((service) => `${service.name} is down: ${service.reason}`),
  ];
  if (silentThreads.length > 0) lines.push(`no answer from threads: ${silentThreads.join(", ")}`);
  return lines.join("\n");
}

function formatServices(services: readonly ServiceInfo[]): string {
  const columns: Column<ServiceInfo>[] = [
    { title: "service", cell: ({ name }) => name },
    { title: "status", cell: ({ status }) => status },
    { title: "instances", cell: ({ instances }) => instances.length, align: "right" },
    { title: "functions", cell: ({ functions }) => functions.join(", ") },
    { title: "module", cell: ({ source }) => source.replace(/^file:\/\//, "") },
  ];
  return formatTable(columns, services, "no services; spawn(path) loads one");
}
