import { fileURLToPath } from "node:url";
import {
  Actor,
  type Ask,
  isAllowedModule,
  parseModuleUrl,
  ReplyError,
  runtimeCommands,
  type TreeNode,
} from "#runtime";
import type { Acceptor } from "./acceptor.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import type { NodeSummary } from "./node-view.ts";
import type { Spawned } from "./service-commands.ts";
import { troupeVersion } from "./version.ts";

/** The registered name of the {@link NodeOperator}. */
export const operatorName = "operator";

/** The group of the operators of all nodes. */
export const operatorsGroup = "operators";

/** What an operator of this process does its work with: it lives where they do. */
export interface OperatorParts {
  readonly gateway: GatewayAccess;
  /** `file:` URLs of modules, and of folders with a slash at the end, that others may load here. */
  readonly spawnModules: readonly string[];
}

const offered = new Map<number, OperatorParts>();
let lastOffer = 0;

/** Keeps what an operator on this thread needs and no message could bring; its number. */
export function offerParts(parts: OperatorParts): number {
  lastOffer += 1;
  offered.set(lastOffer, parts);
  return lastOffer;
}

/** Does for the operators of other nodes what they do on theirs; it lives on the main thread. */
export class NodeOperator extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #parts: OperatorParts;

  /** @throws ReplyError `unavailable` for a number that {@link offerParts} did not give. */
  constructor(offer: number) {
    super();
    const parts = offered.get(offer);
    if (parts === undefined) throw new ReplyError("unavailable", "there is no system here");
    this.#parts = parts;
  }

  protected override init(): void {
    this.context.groups.join(operatorsGroup);
  }

  /** How the node is, in a few numbers. */
  async summary(): Promise<NodeSummary> {
    const { gateway } = this.#parts;
    const sockets = gateway
      .acceptors()
      .map((name) => gateway.status(name, async (one: Ask<Acceptor>) => one.statistics()));
    const [{ actors, threads, silent }, ...statistics] = await Promise.all([
      gateway.system.inspect(),
      ...sockets,
    ]);
    return {
      version: troupeVersion,
      uptimeMs: actors.find(({ name }) => name === "root")?.uptimeMs ?? 0,
      services: [...gateway.records().keys()].sort(),
      threads: threads.length,
      silentThreads: silent.length,
      actors: actors.length,
      sockets: statistics.reduce((sum, one) => sum + (one?.sockets ?? 0), 0),
    };
  }

  /** The supervision tree, in the order in which it is shown. */
  async tree(): Promise<readonly TreeNode[]> {
    const { system } = this.#parts.gateway;
    // The runtime's command, which asks no other node: all of them would ask one another.
    return (await runtimeCommands(() => system)
      .get("tree")
      .run()) as readonly TreeNode[];
  }

  /**
   * Loads a service module that the configuration lets other nodes load.
   * @throws ReplyError `not_allowed`, and as `loader.load`.
   */
  async spawn(path: string): Promise<Spawned> {
    const url = new URL(parseModuleUrl(path)).href;
    const { spawnModules, gateway } = this.#parts;
    if (!isAllowedModule(url, spawnModules)) {
      const { name } = gateway.config;
      const remedy = "cluster.spawnModules in its troupe.config.ts lists what may";
      const message = `${fileURLToPath(url)} may not be loaded on ${name} by other nodes; ${remedy}`;
      throw new ReplyError("not_allowed", message);
    }
    this.context.log("info", "another node loads a service", { url });
    const replaced = gateway.records();
    const info = await gateway.loader().load(url);
    return { ...info, replaced: replaced.has(info.name) };
  }
}
