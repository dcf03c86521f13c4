import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { type ActorRef, createSystem, Supervisor, type System, type SystemOptions } from "#runtime";
import type { ExecutorOptions } from "../../../actors/execution/index.ts";
import { Registry } from "../../../actors/registry/index.ts";
import type { Caller, ChannelPolicy } from "../../../actors/request/index.ts";
import { Loader, type LoaderOptions, type ServiceInfo } from "../../../actors/service/index.ts";
import { LogRecord } from "../../fixtures/running-system.ts";
import { type Seen, TestClient } from "./test-client.ts";

export interface KitOptions extends SystemOptions {
  readonly loader?: Partial<LoaderOptions>;
  readonly executor?: ExecutorOptions;
}

const longMs = 60_000;

/** A gateway without sockets: registry, services, loader, and a client on its own thread. */
export class ServiceKit {
  readonly system: System;
  readonly client: ActorRef<TestClient>;
  /** A line goes another way than an answer: one that is expected has to be waited for. */
  readonly log: LogRecord;
  #requests = 0;

  constructor(system: System, client: ActorRef<TestClient>, log: LogRecord) {
    this.system = system;
    this.client = client;
    this.log = log;
  }

  get loader(): ActorRef<Loader>["ask"] {
    return (this.system.resolve("loader") as ActorRef<Loader>).askWith({ timeoutMs: longMs });
  }

  get registry(): ActorRef<Registry>["ask"] {
    return (this.system.resolve("registry") as ActorRef<Registry>).ask;
  }

  load(fixture: string): Promise<ServiceInfo> {
    return this.loader.load(fixturePath(fixture));
  }

  execute(payload: unknown, caller?: Caller, policy?: ChannelPolicy): Promise<Seen> {
    const { execute } = { execute: this.client.askWith({ timeoutMs: longMs }) };
    if (caller === undefined) return execute.execute(payload);
    return policy === undefined
      ? execute.execute(payload, caller)
      : execute.execute(payload, caller, policy);
  }

  call(
    service: string,
    requestType: string,
    args: Record<string, unknown> = {},
    version: string | null = null,
  ): Promise<Seen> {
    this.#requests += 1;
    const request_id = `req_${this.#requests}`;
    return this.execute({ service, request_type: requestType, request_id, args, version });
  }

  /** The result of a call that has to succeed, if not now, then when it may be retried. */
  async result(service: string, requestType: string, args = {}): Promise<unknown> {
    let { response } = await this.call(service, requestType, args);
    while (response.can_retry) ({ response } = await this.call(service, requestType, args));
    if (!response.success) throw new Error(`${response.code}: ${response.error}`);
    return response.result;
  }

  /** Resolves when an entry of a table (as the main thread sees it) is as wanted. */
  until<V>(table: string, holds: (entries: ReadonlyMap<string, V>) => boolean): Promise<void> {
    const replica = this.system.table<V>(table);
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds(new Map(replica.entries()))) return;
        unsubscribe();
        resolve();
      };
      const unsubscribe = replica.onChange(look);
      look();
    });
  }
}

export async function startKit(t: TestContext, options: KitOptions = {}): Promise<ServiceKit> {
  const { loader = {}, executor = {}, ...rest } = options;
  const log = new LogRecord();
  const system = await createSystem({
    ...{ threads: 2, strictMessages: true, intensity: 100 },
    // Threads that load code on a busy machine may be slow.
    ...{ stallTimeoutMs: 60_000, slowTurnMs: 60_000 },
    ...rest,
    log: log.log,
  });
  t.after(() => system.stop());
  const { schedulers } = system;
  await system.spawn(Registry, { name: "registry", thread: "any" });
  await system.spawn(Supervisor, { name: "services", thread: 0 });
  await system.spawn(Loader, {
    ...{ name: "loader", thread: "any" },
    args: [{ schedulers, handoverMs: 20, drainMs: 5_000, ...loader }],
  });
  const client = await system.spawn(TestClient, {
    ...{ name: "client", thread: schedulers[0] ?? 0, concurrency: 10_000 },
    args: [executor],
  });
  return new ServiceKit(system, client, log);
}

export function fixturePath(fixture: string): string {
  return fileURLToPath(new URL(`../../fixtures/services/${fixture}`, import.meta.url));
}

/** A folder for modules that a test writes, outside of the package; removed after the test. */
export function scratchFolder(t: TestContext): (name: string, text: string | Buffer) => string {
  const folder = mkdtempSync(join(tmpdir(), "troupe-services-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return (name, text) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
}
