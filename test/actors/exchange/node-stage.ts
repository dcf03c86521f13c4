import type { ActorClass, ActorRef, NodeInfo } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import { FailedConfigs, failedConfigsName } from "../../../actors/registry/failed-configs.ts";
import type { FunConfig } from "../../../actors/registry/fun-config-schema.ts";
import { Registry, registryName } from "../../../actors/registry/registry.ts";
import { type ServiceRecord, servicesTable } from "../../../actors/service/service-record.ts";

/** The name of the node that a stage plays. */
export const SELF = "gateway@h:1";

/** One node under a manual clock, whose peers are what the test says of them. */
export class NodeStage {
  readonly kernel: TestKernel = testKernel();
  readonly #nodes = this.kernel.kernel.tables.write<NodeInfo>("nodes");
  readonly #services = this.kernel.kernel.tables.write<ServiceRecord>(servicesTable);
  #incarnation = 0;

  static async open(): Promise<NodeStage> {
    const stage = new NodeStage();
    stage.#nodes.set(SELF, { name: SELF, incarnation: 1, roles: ["gateway"], isSelf: true });
    await stage.spawn(Registry, registryName);
    await stage.spawn(FailedConfigs, failedConfigsName);
    return stage;
  }

  spawn(actorClass: ActorClass, name: string, ...args: unknown[]): Promise<ActorRef> {
    return this.kernel.spawn(actorClass, { name, args: args as never, concurrency: 100 });
  }

  registry(): ActorRef<Registry>["ask"] {
    return (this.kernel.kernel.whereis(registryName) as ActorRef<Registry>).ask;
  }

  /** The registry's entries of a service, in short: what each key has as `nodes`. */
  async nodesOf(service: string): Promise<Record<string, unknown>> {
    const configs = await this.until(this.registry().list(service));
    return Object.fromEntries(
      configs.map(({ requestType, nodes }: FunConfig) => [requestType, nodes]),
    );
  }

  /** A node comes up, with actors of this kernel under names of its own. */
  up(
    name: string,
    actors: Readonly<Record<string, ActorRef>> = {},
    roles: readonly string[] = ["service"],
  ): void {
    this.#incarnation += 1;
    const names = this.kernel.kernel.tables.write<ActorRef>(`names@${name}`);
    for (const [actor, ref] of Object.entries(actors)) names.set(actor, ref);
    this.#nodes.set(name, { name, incarnation: this.#incarnation, roles, isSelf: false });
  }

  down(name: string): void {
    this.#nodes.delete(name);
    this.kernel.kernel.tables.write(`names@${name}`).clear();
  }

  /** A service is loaded on this node. */
  load(service: string, configs: readonly FunConfig[] = []): void {
    this.#services.set(service, { name: service, configs } as ServiceRecord);
  }

  unload(service: string): void {
    this.#services.delete(service);
  }

  /** What a promise gives, steps being taken, and what real timers wait for, until it does. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const note = (): void => {
      settled = true;
    };
    promise.then(note, note);
    while (!settled) await this.settle();
    return promise;
  }

  /** Steps until nothing is ready, also what waits for a limiter's place, which takes real timers. */
  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) {
      await this.kernel.settle();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await this.kernel.settle();
  }

  /** Lets `ms` pass, one due time after the other, and settles after each. */
  async advance(ms: number): Promise<void> {
    const { clock } = this.kernel;
    let left = ms;
    await this.settle();
    for (let next = clock.nextDueInMs; next !== undefined && next <= left; ) {
      await this.kernel.advance(next);
      left -= next;
      await this.settle();
      next = clock.nextDueInMs;
    }
    await this.kernel.advance(left);
  }
}
