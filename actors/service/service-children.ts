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

  /** Resolves when all instances run. @throws ReplyError `start_failed` with path and reason. */
  async start(spec: ChildSpec<ChildStart>, source: string): Promise<ActorRef> {
    const services = this.#services();
    try {
      return await services.startChild(spec);
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

  #services(): ActorRef<Supervisor>["ask"] {
    const services = this.#context.whereis(servicesName) as ActorRef<Supervisor> | undefined;
    if (services === undefined) throw new ReplyError("unavailable", "no supervisor of services");
    return services.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
  }
}
