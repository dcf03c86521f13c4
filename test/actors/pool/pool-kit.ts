import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { ActorRef, AskOptions } from "#runtime";
import { Pool, type PoolOptions } from "../../../actors/pool/index.ts";
import type { CallInfo } from "../../../actors/request/index.ts";
import { eventually } from "../../fixtures/running-system.ts";
import { type ServiceKit, startKit } from "../service/service-kit.ts";
import { type Received, StreamConsumer } from "./fixtures/stream-consumer.ts";

const longMs = 60_000;

export interface PoolKitOptions extends Partial<PoolOptions> {
  readonly name?: string;
  /** The thread of the pool's actor; default 1, a scheduler thread. */
  readonly thread?: number;
  /** Time for the streams of a service that is stopped or replaced. */
  readonly drainMs?: number;
}

/** A gateway without sockets, with one pool and the service `pool_service`. */
export class PoolKit {
  readonly kit: ServiceKit;
  readonly pool: ActorRef<Pool>;
  #requests = 0;

  constructor(kit: ServiceKit, pool: ActorRef<Pool>) {
    this.kit = kit;
    this.pool = pool;
  }

  info(): CallInfo {
    this.#requests += 1;
    const requestId = `req_${this.#requests}`;
    return { requestId, userId: "u1", userRoles: ["reader"], deviceId: "d1" };
  }

  /** Runs a function of `pool_service`. */
  run(method: string, args: unknown = {}, options: AskOptions = {}): Promise<unknown> {
    const ask = this.pool.askWith({ timeoutMs: longMs, ...options });
    return ask.run("pool_service", method, [args, this.info()]);
  }

  status(): ReturnType<typeof this.pool.ask.status> {
    return this.pool.ask.status();
  }

  /** Opens a stream; resolves when it is open. */
  async stream(
    method: string,
    args: unknown = {},
    options: AskOptions = {},
    service = "pool_service",
  ): Promise<TestStream> {
    const consumer = await this.kit.system.spawn(StreamConsumer, { thread: 2, concurrency: 100 });
    const opening = await consumer.ask.opening(64);
    const ask = this.pool.askWith({ timeoutMs: longMs, ...options });
    const message = [args, { ...this.info(), stream: { ...opening, consumer } }];
    await ask.run(service, method, message);
    return new TestStream(consumer);
  }

  /** Resolves when so many calls have a thread. */
  async busy(count: number): Promise<void> {
    await eventually(`${count} are busy`, async () => (await this.status()).busy === count);
  }

  async queued(count: number): Promise<void> {
    await eventually(`${count} wait`, async () => (await this.status()).queued === count);
  }
}

/** A stream as its consumer has it. */
export class TestStream {
  readonly consumer: ActorRef<StreamConsumer>;

  constructor(consumer: ActorRef<StreamConsumer>) {
    this.consumer = consumer;
  }

  received(count: number): Promise<Received> {
    return this.consumer.askWith({ timeoutMs: longMs }).received(count);
  }

  /** All of it; everything is granted from now on. */
  all(): Promise<Received> {
    this.consumer.tell.flow();
    return this.received(Number.POSITIVE_INFINITY);
  }
}

export async function startPoolKit(t: TestContext, options: PoolKitOptions = {}): Promise<PoolKit> {
  const { name = "pool/async", thread = 1, drainMs = 5_000, ...given } = options;
  const settings = { threads: 2, maxQueue: 100, resourceLimits: {}, ...given };
  const kit = await startKit(t);
  const pool = await kit.system.spawn(Pool, {
    ...{ name, thread, concurrency: Number.POSITIVE_INFINITY, mailboxCapacity: 1_000_000 },
    args: [name, settings, drainMs],
  });
  await kit.loader.load(fileURLToPath(new URL("./fixtures/pool-service.ts", import.meta.url)));
  return new PoolKit(kit, pool);
}
