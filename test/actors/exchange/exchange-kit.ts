import type { TestContext } from "node:test";
import { type ActorRef, createSystem, Supervisor, type System } from "#runtime";
import {
  type ExchangeOptions,
  exchangeChildren,
  farewellChild,
  type Pusher,
  pusherName,
  type Receiver,
  receiverName,
} from "../../../actors/exchange/index.ts";
import { asyncPoolName, Pool } from "../../../actors/pool/index.ts";
import { FailedConfigs, failedConfigsName, Registry } from "../../../actors/registry/index.ts";
import { Loader } from "../../../actors/service/index.ts";
import { LogRecord } from "../../fixtures/running-system.ts";
import { freeNodeName } from "../../runtime/cluster/free-node-name.ts";
import { fixturePath } from "../service/service-kit.ts";
import { type Seen, TestClient } from "../service/test-client.ts";

/** How a node of a test is to be. */
export interface NodeOptions extends Partial<ExchangeOptions> {
  /** Default: a new one. */
  readonly name?: string;
  /** Nodes to join. */
  readonly join?: readonly string[];
  readonly threads?: number;
}

/** A node of a cluster in this process, with all that functions need but sockets. */
export class ExchangeNode {
  readonly name: string;
  readonly system: System;
  readonly client: ActorRef<TestClient>;
  readonly log: LogRecord;
  #requests = 0;

  constructor(name: string, system: System, client: ActorRef<TestClient>, log: LogRecord) {
    this.name = name;
    this.system = system;
    this.client = client;
    this.log = log;
  }

  get loader(): ActorRef<Loader>["ask"] {
    return (this.system.resolve("loader") as ActorRef<Loader>).askWith({ timeoutMs: 60_000 });
  }

  get registry(): ActorRef<Registry>["ask"] {
    return (this.system.resolve("registry") as ActorRef<Registry>).ask;
  }

  get receiver(): ActorRef<Receiver>["ask"] {
    return (this.system.resolve(receiverName) as ActorRef<Receiver>).ask;
  }

  get pusher(): ActorRef<Pusher>["ask"] {
    return (this.system.resolve(pusherName) as ActorRef<Pusher>).ask;
  }

  /** Loads a fixture, or the module at a path. */
  load(fixture: string): Promise<unknown> {
    return this.loader.load(fixture.startsWith("/") ? fixture : fixturePath(fixture));
  }

  /** What a client of this node is answered. */
  call(service: string, requestType: string, args: Record<string, unknown> = {}): Promise<Seen> {
    this.#requests += 1;
    const request_id = `${this.name}-${this.#requests}`;
    const payload = { service, request_type: requestType, request_id, args };
    return this.client.askWith({ timeoutMs: 60_000 }).execute(payload);
  }

  /** Resolves when the registry, as this node's client sees it, is as wanted. */
  until(holds: (nodes: ReadonlyMap<string, unknown>) => boolean): Promise<void> {
    const table = this.system.table<{ readonly nodes: unknown }>("registry");
    return new Promise((resolve) => {
      const look = (): void => {
        const nodes = Array.from(table.entries(), ([key, config]) => [key, config.nodes] as const);
        if (!holds(new Map(nodes))) return;
        unsubscribe();
        resolve();
      };
      const unsubscribe = table.onChange(look);
      look();
    });
  }
}

/** Starts a node, which is stopped with the test if not before. */
export async function startNode(t: TestContext, options: NodeOptions = {}): Promise<ExchangeNode> {
  const { threads = 1, join = [], roles = [], ...exchange } = options;
  const name = options.name ?? (await freeNodeName(roles[0] ?? "node"));
  const log = new LogRecord();
  const system = await createSystem({
    ...{ threads, strictMessages: true, intensity: 100, stallTimeoutMs: 60_000 },
    // The main threads of all nodes are one here: on a busy machine it may be silent for seconds.
    cluster: { name, join, roles, suspicionMs: 60_000, redialMaxMs: 100 },
    log: log.log,
  });
  t.after(() => system.stop());
  const { schedulers } = system;
  await system.spawn(FailedConfigs, { name: failedConfigsName, thread: "any" });
  await system.spawn(Registry, { name: "registry", thread: "any" });
  await system.startChild(farewellChild());
  await system.spawn(Supervisor, { name: "services", thread: 0 });
  await system.spawn(Loader, {
    ...{ name: "loader", thread: "any" },
    args: [{ schedulers, handoverMs: 50, drainMs: 5_000 }],
  });
  await system.spawn(Pool, {
    ...{ name: asyncPoolName, thread: "any", concurrency: 1_000 },
    args: [asyncPoolName, { threads: 1, maxQueue: 100, resourceLimits: {} }, 1_000],
  });
  for (const child of exchangeChildren({ roles, ...exchange })) await system.startChild(child);
  const client = await system.spawn(TestClient, {
    ...{ name: "client", thread: schedulers[0] ?? 0, concurrency: 10_000 },
  });
  return new ExchangeNode(name, system, client, log);
}
