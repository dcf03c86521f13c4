import {
  type Column,
  type Command,
  type CommandTable,
  formatTable,
  type Parameter,
  parseModuleUrl,
} from "#runtime";
import type { ServiceInfo } from "../service/index.ts";
import { readOptionalText } from "./command-arguments.ts";
import { formatPath } from "./function-text.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import type { NodeAccess } from "./node-commands.ts";

/** A service that was loaded. */
export interface Spawned extends ServiceInfo {
  /** Whether one of its name was there before. */
  readonly replaced: boolean;
}

type Stoppable = { readonly service: string } | { readonly pid: string };

/**
 * What there is to do with services. `stop` and `restart` do to services what those of `runtime` do
 * to actors.
 */
export function serviceCommands(
  gateway: GatewayAccess,
  nodes: NodeAccess,
  runtime: CommandTable,
): Command[] {
  const x: Parameter = {
    name: "x",
    kind: "text",
    complete: () => [...gateway.system.names(), ...gateway.records().keys()],
  };
  const isService = (name: unknown): name is string =>
    typeof name === "string" && gateway.records().has(name);
  const stopActor = runtime.get("stop");
  const restartActor = runtime.get("restart");
  return [
    {
      name: "services",
      parameters: [],
      description: "the loaded services and their functions",
      run: () => gateway.loader().list(),
      format: formatServices,
    },
    {
      name: "spawn",
      parameters: [{ name: "path", kind: "file" }, nodes.parameter],
      description: "load a service module, here or on a node; its functions can be called at once",
      run: async (path, given): Promise<Spawned> => {
        const url = parseModuleUrl(path);
        const name = readOptionalText(given, "node", "the name of a node");
        const node = name === undefined ? null : nodes.find(name);
        if (node !== null && !node.isSelf) {
          const timeoutMs = Number.POSITIVE_INFINITY;
          return nodes.getOperator(node).askWith({ timeoutMs }).spawn(url);
        }
        const before = gateway.records();
        const info = await gateway.loader().load(url);
        return { ...info, replaced: before.has(info.name) };
      },
      format: ({ name, functions, replaced }: Spawned) =>
        `${replaced ? "replaced" : "loaded"} ${name}: ${functions.join(", ")}`,
    },
    {
      ...stopActor,
      parameters: [x],
      description: "stop a service, or an actor; its supervisor does not start it anew",
      run: async (name) => {
        if (!isService(name)) return stopActor.run(name);
        await gateway.loader().stop(name);
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
      description:
        "load a service anew, or kill an actor so that its supervisor or parent starts it anew",
      run: (name) => (isService(name) ? gateway.loader().restart(name) : restartActor.run(name)),
      format: (restarted: object) =>
        "functions" in restarted
          ? `loaded ${(restarted as ServiceInfo).name} anew`
          : (restartActor.format?.(restarted as never) ?? ""),
    },
  ];
}

function formatServices(services: readonly ServiceInfo[]): string {
  const columns: Column<ServiceInfo>[] = [
    { title: "service", cell: ({ name }) => name },
    { title: "status", cell: ({ status }) => status },
    { title: "instances", cell: ({ instances }) => instances.length, align: "right" },
    { title: "functions", cell: ({ functions }) => functions.join(", ") },
    { title: "module", cell: ({ source }) => formatPath(source) },
  ];
  return formatTable(columns, services, "no services; spawn(path) loads one");
}
