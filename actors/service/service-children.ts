import { fileURLToPath } from "node:url";
import {
  type ActorContext,
  type ActorRef,
  type ChildInfo,
  type ChildSpec,
  type ChildStart,
  ReplyError,
  type Supervisor,
  toErrorRecord,
} from "#runtime";
import { serviceGroup } from "../execution/index.ts";

/** How long new instances may take to be known as such, and how often that is looked at. */
const joinMs = 1_000;
const lookMs = 5;

/** The registered name of the supervisor that every service's supervisor is a child of. */
export const servicesName = "services";

/** The supervisors of all that is loaded, as the loader starts and ends them. */
export class ServiceChildren {
  readonly #context: ActorContext;
  readonly #handoverMs: number;

  /** `handoverMs`: how long replaced instances go on serving threads that have not heard. */
  constructor(context: ActorContext, handoverMs: number) {
    this.#context = context;
    this.#handoverMs = handoverMs;
  }

  /**
   * Resolves when all `instances` run and are known to: what is registered next leads threads to them.
   * @throws ReplyError `start_failed` with path and reason.
   */
  async start(spec: ChildSpec<ChildStart>, source: string, instances: number): Promise<ActorRef> {
    const services = this.#services();
    try {
      const supervisor = await services.startChild(spec);
      await this.#joined(spec.id, instances);
      return supervisor;
    } catch (error) {
      const message = `${fileURLToPath(source)}: ${toErrorRecord(error).message}`;
      throw new ReplyError("start_failed", message, error);
    }
  }

  /** Ends replaced instances once every thread calls the new ones. */
  retire(module: string): void {
    this.#context.after(this.#handoverMs, () => {
      void this.end(module);
    });
  }

  /** Resolves when the instances have stopped; a failure is logged. */
  async end(module: string): Promise<void> {
    try {
      await this.#services().terminateChild(module);
    } catch (error) {
      const { code, message } = toErrorRecord(error);
      if (code !== "no_child")
        this.#context.log("error", "service not stopped", { module, message });
    }
  }

  /** All there are. */
  list(): Promise<ChildInfo[]> {
    return this.#services().whichChildren();
  }

  /** They and their functions come to a thread by different ways: after a second it is as it is. */
  async #joined(module: string, instances: number): Promise<void> {
    const { clock, groups } = this.#context;
    const group = serviceGroup(module);
    const until = clock.now() + joinMs;
    while (groups.localMembers(group).length < instances && clock.now() < until) {
      await new Promise<void>((resolve) => void clock.after(lookMs, resolve));
    }
  }

  #services(): ActorRef<Supervisor>["ask"] {
    const services = this.#context.whereis(servicesName) as ActorRef<Supervisor> | undefined;
    if (services === undefined) throw new ReplyError("unavailable", "no supervisor of services");
    return services.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  }
}
