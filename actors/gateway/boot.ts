import { Actor, type ActorRef, ReplyError } from "#runtime";
import { type Loader, loaderName } from "../service/index.ts";

/**
 * Loads the services and functions of the configuration when the gateway starts, and again when its supervisor
 * had to start everything anew; then it is done. What does not load keeps the gateway from
 * starting.
 */
export class Boot extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #services: readonly string[];
  readonly #functions: readonly string[];

  /**
   * @param services URLs of service modules; they are loaded in that order.
   * @param functions Paths of JSON files of FunConfigs, which may name those services.
   */
  constructor(services: readonly string[], functions: readonly string[]) {
    super();
    this.#services = services;
    this.#functions = functions;
  }

  protected override async init(): Promise<void> {
    const loader = this.context.whereis(loaderName) as ActorRef<Loader> | undefined;
    if (loader === undefined) throw new ReplyError("unavailable", "there is no loader");
    // The loader has time limits of its own, and so has this actor's start.
    const ask = loader.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
    for (const service of this.#services) await ask.load(service);
    for (const file of this.#functions) await ask.loadFunctions(file);
    this.context.after(0, () => this.context.stop());
  }
}
