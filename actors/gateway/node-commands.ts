import {
  type ActorRef,
  type Command,
  CommandError,
  type CommandTable,
  HERE,
  type NodeInfo,
  type Parameter,
  type TreeNode,
} from "#runtime";
import { type Pusher, pusherName, type Receiver, receiverName } from "../exchange/index.ts";
import { clusterGroup } from "../execution/index.ts";
import { nothingNamed, readOptionalText, readText } from "./command-arguments.ts";
import type { GatewayAccess } from "./gateway-access.ts";
import { type NodeOperator, operatorsGroup } from "./node-operator.ts";
import { type ExchangeView, formatCluster, formatExchange, formatNodes } from "./node-text.ts";
import {
  type ClusterView,
  encodeNodeTree,
  type NodeRow,
  selectDown,
  selectNodeName,
  selectServices,
} from "./node-view.ts";

/** What another node may take for an answer, ms. */
const answerTimeoutMs = 2_000;

/** A node that is forgotten. */
interface Forgotten {
  readonly node: string;
  readonly services: number;
}

/** The way to the nodes of the cluster; a process without one is a node by itself. */
export class NodeAccess {
  readonly #gateway: GatewayAccess;

  constructor(gateway: GatewayAccess) {
    this.#gateway = gateway;
  }

  /** The nodes that are up, this one too. */
  list(): readonly NodeInfo[] {
    const { system, config } = this.#gateway;
    const nodes = system.nodes.list();
    if (nodes.length > 0) return nodes;
    return [{ name: config.name, incarnation: 0, roles: [config.role], isSelf: true }];
  }

  /** A parameter that is the name of a node, or as much of it as stands before the `@`. */
  get parameter(): Parameter {
    const complete = (): string[] => this.list().map(({ name }) => name);
    return { name: "node", kind: "text", optional: true, complete };
  }

  /** The node that an operator named. @throws CommandError when there is none, or several. */
  find(given: string): NodeInfo {
    const nodes = this.list();
    const names = nodes.map(({ name }) => name);
    const name = selectNodeName(names, given);
    const found = nodes.find((node) => node.name === name);
    if (found === undefined) throw nothingNamed("node", given, names);
    return found;
  }

  /** The operator of a node; undefined when it is starting or stopping. */
  operator({ name, isSelf }: NodeInfo): ActorRef<NodeOperator> | undefined {
    const refs = this.#gateway.system.members(operatorsGroup);
    const where = isSelf ? HERE : name;
    return refs.find(({ node }) => node === where) as ActorRef<NodeOperator> | undefined;
  }

  /** @throws CommandError when it is not there. */
  getOperator(node: NodeInfo): ActorRef<NodeOperator> {
    const operator = this.operator(node);
    if (operator !== undefined) return operator;
    throw new CommandError(`the operator of ${node.name} is not running at the moment`);
  }
}

/** What there is to see of the cluster; `tree` shows more than that of `runtime`. */
export function nodeCommands(
  gateway: GatewayAccess,
  nodes: NodeAccess,
  runtime: CommandTable,
): Command[] {
  const tree = runtime.get("tree");
  return [
    {
      name: "nodes",
      parameters: [],
      description: "the nodes of the cluster: roles, uptime, services",
      run: () => inspectNodes(gateway, nodes),
      format: formatNodes,
    },
    {
      name: "clusterView",
      parameters: [],
      description: "the cluster as this node sees it: who runs which service",
      run: () => inspectCluster(gateway, nodes),
      format: formatCluster,
    },
    {
      name: "pushedServicesStatus",
      parameters: [],
      description: "the services that other nodes offer: by push or pull, version, when",
      run: () => inspectExchange(gateway),
      format: formatExchange,
    },
    {
      name: "forgetNode",
      parameters: [{ ...nodes.parameter, optional: false }],
      description: "forget what a node offered that will not come back",
      run: (given) => forget(gateway, nodes, readText(given, "node", "the name of a node")),
      format: ({ node, services }: Forgotten) => `forgot ${services} services of ${node}`,
    },
    {
      ...tree,
      parameters: [nodes.parameter],
      description: "the supervision tree, of all nodes or of one",
      run: async (given): Promise<readonly TreeNode[]> => {
        const name = readOptionalText(given, "node", "the name of a node");
        const own = async (): Promise<readonly TreeNode[]> =>
          (await tree.run()) as readonly TreeNode[];
        if (name !== undefined) {
          const node = nodes.find(name);
          return node.isSelf ? own() : [await treeOf(nodes, node)];
        }
        const others = nodes.list().filter(({ isSelf }) => !isSelf);
        const trees = others.map((node) => treeOf(nodes, node));
        return [...(await own()), ...(await Promise.all(trees))];
      },
    },
  ];
}

/** @throws CommandError for a node that has offered nothing, and for one that is connected. */
async function forget(
  gateway: GatewayAccess,
  nodes: NodeAccess,
  given: string,
): Promise<Forgotten> {
  const receiver = gateway.find<Receiver>(receiverName);
  const offered = (await receiver.ask.status()).flatMap((service) => service.nodes);
  const up = nodes.list().filter(({ isSelf }) => !isSelf);
  const names = new Set([...offered.map(({ node }) => node), ...up.map(({ name }) => name)]);
  const node = selectNodeName([...names], given);
  if (node === undefined) throw nothingNamed("node", given, names);
  if (up.some(({ name }) => name === node)) {
    throw new CommandError(`${node} is connected: what it offers is for it to take back`);
  }
  return { node, services: await receiver.ask.forget(node) };
}

/** Null: no answer in time. */
async function ask<T>(
  operator: ActorRef<NodeOperator> | undefined,
  question: (ask: ActorRef<NodeOperator>["ask"]) => Promise<T>,
): Promise<T | null> {
  if (operator === undefined) return null;
  return question(operator.askWith({ timeoutMs: answerTimeoutMs })).catch(() => null);
}

async function treeOf(nodes: NodeAccess, node: NodeInfo): Promise<TreeNode> {
  return encodeNodeTree(node.name, await ask(nodes.operator(node), (one) => one.tree()));
}

async function inspectNodes(gateway: GatewayAccess, nodes: NodeAccess): Promise<NodeRow[]> {
  const { clock } = gateway.system;
  const up = nodes.list();
  const rows = up.map(async (node): Promise<NodeRow> => {
    const { name, isSelf, roles, incarnation } = node;
    const operator = nodes.operator(node);
    const askedAt = clock.now();
    const summary = await ask(operator, (one) => one.summary());
    const isMeasured = !isSelf && summary !== null;
    return {
      ...{ name, isSelf, roles, summary, state: summary === null ? "silent" : "up" },
      incarnation: incarnation === 0 ? null : incarnation,
      rttMs: isMeasured ? Math.round((clock.now() - askedAt) * 10) / 10 : null,
    };
  });
  const { cluster } = gateway.config;
  return [...(await Promise.all(rows)), ...selectDown(cluster?.join ?? [], up)];
}

function inspectCluster(gateway: GatewayAccess, nodes: NodeAccess): ClusterView {
  const up = nodes.list();
  const self = up.find(({ isSelf }) => isSelf)?.name ?? gateway.config.name;
  const { system, config } = gateway;
  const down = selectDown(config.cluster?.join ?? [], up);
  return {
    self,
    nodes: [
      ...up.map(({ name, roles, isSelf }) => ({ name, state: "up" as const, roles, isSelf })),
      ...down.map(({ name, state, roles, isSelf }) => ({ name, state, roles, isSelf })),
    ],
    services: selectServices(
      gateway.functions(),
      ({ mfa }) => system.members(clusterGroup(mfa.module)),
      self,
    ),
  };
}

async function inspectExchange(gateway: GatewayAccess): Promise<ExchangeView> {
  const { system } = gateway;
  const receiver = system.resolve(receiverName) as ActorRef<Receiver> | undefined;
  const pusher = system.resolve(pusherName) as ActorRef<Pusher> | undefined;
  if (receiver === undefined) throw new CommandError("this node is in no cluster");
  return {
    services: await receiver.ask.status(),
    pushes: pusher === undefined ? null : await pusher.ask.status(),
  };
}
