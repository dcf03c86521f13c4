import type { NodeInfo } from "#runtime";
import { type ArgumentTypes, type FunConfig, isObjectSchema } from "../registry/index.ts";
import type { GatewayConfig } from "./config.ts";
import { selectChatEvent } from "./home-page.ts";
import type { Gateway } from "./tree.ts";
import { troupeVersion } from "./version.ts";

/** What the start-up tells of. */
export interface StartUpFacts {
  /** Null on a service node. */
  readonly gateway: Gateway | null;
  readonly config: GatewayConfig;
  readonly functions: readonly FunConfig[];
  readonly threads: number;
  /** By which a command finds the process. */
  readonly port: number;
  /** Those that are connected, this one too. */
  readonly nodes: readonly NodeInfo[];
  /** The operators' socket, and whether it is where `npx troupe` looks by itself. */
  readonly socket: { readonly path: string; readonly usual: boolean };
}

/** Services that are listed; where there are more, the page of the gateway lists them. */
const maxServices = 6;

/** The few lines that a gateway or service node prints when it serves. */
export function encodeStartUp(facts: StartUpFacts): string {
  const { gateway, config, threads, socket, port } = facts;
  const option = socket.usual ? portOption(port) : ` --socket ${socket.path}`;
  const count = threads === 1 ? "1 thread" : `${threads} threads`;
  const file = config.file === null ? "" : `, ${config.file}`;
  const lines = [
    `Troupe ${troupeVersion} on Node ${process.version}, ${count}${file}`,
    ...(gateway === null ? [] : [entry("serves", gateway.url)]),
    ...encodeNode(facts),
    ...encodeServices(facts),
    ...(gateway === null ? [] : encodeCall(facts, gateway)),
    ...(gateway === null ? [] : encodeChat(facts, gateway)),
    entry("operate", `npx troupe repl${option}    (or tree, ps, services, …: npx troupe help)`),
  ];
  const { connect, auth, cluster } = config;
  if (cluster !== null && cluster.cookie === null) {
    const remedy = "TROUPE_COOKIE lets nodes of other machines in";
    lines.push(entry("note", `without a cookie it listens on loopback only: ${remedy}`));
  }
  if (gateway === null) return lines.join("\n");
  if (config.demo && auth.jwt === null) {
    lines.push(entry("demo", "takes user_id from the query, unverified: for trying out only"));
  } else if (connect === null && auth.jwt === null && config.channels.some(needsUser)) {
    const names = config.channels.filter(needsUser).map(({ topic }) => topic);
    const remedy = "set auth or connect, or requireVerifiedUserId: false, in troupe.config.ts";
    lines.push(entry("note", `nobody can call on ${names.join(", ")} without a user: ${remedy}`));
  }
  return lines.join("\n");
}

/** The page of the demo's chat rooms. */
function encodeChat({ config }: StartUpFacts, gateway: Gateway): string[] {
  if (selectChatEvent(config) === null) return [];
  return [entry("chat", `${encodeHomeUrl(gateway)}chat in two browsers`)];
}

function encodeHomeUrl({ url }: Gateway): string {
  return url.replace(/^ws(.*)socket$/, "http$1");
}

function entry(name: string, text: string): string {
  return `${name.padEnd(9)} ${text}`;
}

function portOption(port: number): string {
  return port === 4_000 ? "" : ` --port ${port}`;
}

function needsUser({ requireVerifiedUserId }: { requireVerifiedUserId: boolean }): boolean {
  return requireVerifiedUserId;
}

/** The node's name, and which of those it is to join it has found. */
function encodeNode({ config: { cluster, role }, nodes }: StartUpFacts): string[] {
  if (cluster === null) return [];
  const { name, join = [] } = cluster;
  const others = nodes.filter(({ isSelf }) => !isSelf).map((node) => node.name);
  const missing = join.filter((node) => !node.startsWith("dns") && !others.includes(node));
  return [
    entry("node", `${name}, ${role}`),
    ...(others.length === 0 ? [] : [entry("joined", others.join(", "))]),
    ...(missing.length === 0
      ? []
      : [entry("joins", `${missing.join(", ")} as soon as it is there`)]),
  ];
}

function encodeServices({ functions, gateway, port }: StartUpFacts): string[] {
  if (functions.length === 0) {
    return [entry("services", "none yet: npx troupe spawn ./users.ts, or --service ./users.ts")];
  }
  const services = [...Map.groupBy(functions, ({ service }) => service)];
  const listed = services.length > maxServices ? services.slice(0, maxServices - 1) : services;
  const lines = listed.map(([service, all], index) => {
    const types = Map.groupBy(all, ({ requestType }) => requestType);
    const calls = [...types].map(([requestType, entries]) => {
      const versions = entries.flatMap(({ version }) => (version === null ? [] : [version]));
      return versions.length === 0 ? requestType : `${requestType} (${versions.join(", ")})`;
    });
    return entry(index === 0 ? "services" : "", `${service}: ${calls.join(", ")}`);
  });
  const left = services.length - listed.length;
  if (left > 0) {
    const where =
      gateway === null ? `npx troupe services${portOption(port)}` : encodeHomeUrl(gateway);
    lines.push(entry("", `and ${left} more: ${where}`));
  }
  return lines;
}

/** Three lines to paste into a module beside the `phoenix` package. */
function encodeCall({ config, functions }: StartUpFacts, gateway: Gateway): string[] {
  const { topic = "", event = "" } = config.channels[0] ?? {};
  const chosen = selectExample(functions);
  const { service, requestType, args } = chosen ?? {
    ...{ service: "my_service", requestType: "my_function", args: {} },
  };
  const request = { service, request_type: requestType, request_id: "1", args };
  const params = config.demo ? ', { params: { user_id: "me" } }' : "";
  const channel = JSON.stringify(topic.replace(/\*$/, "lobby"));
  return [
    entry("call", 'import { Socket } from "phoenix"; // npm install phoenix'),
    entry("", `const socket = new Socket("${gateway.url}"${params}); socket.connect();`),
    entry(
      "",
      `const channel = socket.channel(${channel}); channel.on("${event}", console.log); channel.join();`,
    ),
    entry("", `channel.push("${event}", ${JSON.stringify(request)});`),
  ];
}

interface Example {
  readonly service: string;
  readonly requestType: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A function that an example can call: one with arguments that can be made up, if there is one. */
function selectExample(functions: readonly FunConfig[]): Example | undefined {
  const examples = functions
    .filter(({ disabled }) => !disabled)
    .map(({ service, requestType, argTypes }) => ({
      ...{ service, requestType, args: selectArguments(argTypes) },
    }));
  const isTelling = ({ args }: Example): boolean => "message" in args;
  return examples.find(isTelling) ?? examples[0];
}

function selectArguments(argTypes: ArgumentTypes): Record<string, unknown> {
  if (argTypes === null) return {};
  if (!isObjectSchema(argTypes)) {
    return Object.fromEntries(Object.keys(argTypes).map((name) => [name, "…"]));
  }
  const properties = (argTypes.properties ?? {}) as Record<string, { readonly type?: unknown }>;
  const required = (argTypes.required ?? []) as readonly string[];
  return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name]?.type)]));
}

function sampleOf(type: unknown): unknown {
  const samples: Partial<Record<string, unknown>> = {
    ...{ string: "hello", number: 1, integer: 1, boolean: true, array: [], object: {} },
  };
  return samples[String(type)] ?? "…";
}
