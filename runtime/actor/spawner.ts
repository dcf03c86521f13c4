import { type Clock, HERE, TroupeError } from "../core/index.ts";
import type { ActorClass } from "./actor.ts";
import { assertActorClass } from "./actor-class.ts";
import { defaultStartTimeoutMs } from "./birth.ts";
import type { Cell } from "./cell.ts";
import type { SpawnOptions } from "./context.ts";
import { defaultShutdownMs } from "./ending.ts";
import type { Kernel } from "./kernel.ts";
import type { ActorRef } from "./ref.ts";
import type { Spawns } from "./route.ts";
import { type Threads, threadsId } from "./threads.ts";

/** Either a class that is loaded here, or the name of one that may be loaded elsewhere. */
export type Code = ActorClass | { readonly source: string; readonly exportName: string };

/** Spawn options with the arguments of the constructor. */
export type SpawnOptionsWithArgs = SpawnOptions & { readonly args?: readonly unknown[] };

const noArgs: readonly unknown[] = [];

/** Time that an answer may take on its way, beyond the time for `init`. */
const answerMarginMs = 1_000;

/** Starts the children of a thread's actors, wherever they are to live. */
export class Spawner {
  readonly #kernel: Kernel;
  #lastToken = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** Starts a child of `parent` on the thread that its options ask for. */
  spawn(code: Code, options: SpawnOptionsWithArgs, parent: Cell): Promise<ActorRef> {
    const { thread, node } = options;
    const here = this.#kernel.thread;
    const isElsewhere = node !== undefined && node !== HERE && node !== this.#kernel.nodeName;
    if (isElsewhere) return this.#spawnThere(node, code, options, parent);
    const stays = thread === here || (thread === undefined && here !== 0);
    // The common case takes no detour: it may happen a million times.
    if (stays && typeof code === "function") return this.#spawnHere(code, options, parent);
    return this.#spawnAnywhere(code, options, parent);
  }

  #spawnHere(
    actorClass: ActorClass,
    options: SpawnOptionsWithArgs,
    parent: Cell,
  ): Promise<ActorRef> {
    if (hasEnded(parent)) return Promise.reject(parentStopped());
    return this.#kernel.spawnHere(actorClass, options.args ?? noArgs, options, parent.ref);
  }

  async #spawnAnywhere(code: Code, options: SpawnOptionsWithArgs, parent: Cell): Promise<ActorRef> {
    if (typeof code === "function") assertActorClass(code, "spawn");
    const thread = await this.#placement(options);
    if (thread !== this.#kernel.thread) {
      try {
        return await this.#spawnThere(thread, code, options, parent);
      } catch (error) {
        // Its actor would have ended it.
        if (options.thread === "dedicated") this.#threads().tell.closeDedicated(thread);
        throw error;
      }
    }
    const actorClass =
      typeof code === "function" ? code : await this.#kernel.load(code.source, code.exportName);
    return this.#spawnHere(actorClass, options, parent);
  }

  /** `place` is a thread of this node, or the name of another node. */
  async #spawnThere(
    place: number | string,
    code: Code,
    { args = noArgs, node: _node, ...options }: SpawnOptionsWithArgs,
    parent: Cell,
  ): Promise<ActorRef> {
    const kernel = this.#kernel;
    const startTimeoutMs = options.startTimeoutMs ?? defaultStartTimeoutMs;
    const recipe = { ...toRecipe(code), args };
    if (hasEnded(parent)) throw parentStopped();
    const host = await this.#spawnerOf(place, startTimeoutMs, parent);
    this.#lastToken += 1;
    const token = `${kernel.thread}.${kernel.incarnation}.${this.#lastToken}`;
    const timeoutMs = startTimeoutMs + answerMarginMs;
    let address: ActorRef;
    parent.bonds.beginSpawn();
    try {
      address = await host.askWith({ timeoutMs }).spawn(token, recipe, options, parent.ref);
    } catch (error) {
      host.tell.abandon(token);
      parent.bonds.endSpawn();
      throw error;
    }
    const earlyEnd = parent.bonds.endSpawn(address);
    if (hasEnded(parent)) {
      host.tell.abandon(token);
      throw parentStopped();
    }
    const ref = typeof code === "function" ? kernel.typed(address, code) : address;
    parent.bonds.addChild(ref);
    if (earlyEnd !== undefined) kernel.signal(parent.ref, earlyEnd);
    return ref;
  }

  /** Who starts actors there. */
  async #spawnerOf(
    place: number | string,
    timeoutMs: number,
    parent: Cell,
  ): Promise<ActorRef<Spawns>> {
    const { routes } = this.#kernel;
    if (typeof place === "number") {
      await routes.whenReachable(place, timeoutMs, parent);
      return this.#kernel.hostOf(place);
    }
    if (routes.nodes !== null) return routes.nodes.spawner(place, timeoutMs);
    throw new TroupeError(
      "unreachable",
      `node: this one is part of no cluster, and of none with ${place}`,
    );
  }

  async #placement(options: SpawnOptions): Promise<number> {
    const { thread } = options;
    if (typeof thread === "number") return thread;
    if (thread === undefined && this.#kernel.thread !== 0) return this.#kernel.thread;
    if (thread !== "dedicated") return this.#threads().ask.next();
    return this.#threads()
      .askWith({ timeoutMs: defaultStartTimeoutMs })
      .openDedicated({
        limits: options.resourceLimits ?? {},
        ownerThread: this.#kernel.thread,
        shutdownMs: options.shutdownMs ?? defaultShutdownMs,
      });
  }

  #threads(): ActorRef<Threads> {
    return this.#kernel.runtimeActor<Threads>(threadsId);
  }
}

/** Waits for threads that are being started or replaced. */
export class Arrivals {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Set<() => void>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits on behalf of `parent`.
   * @throws TroupeError `thread_down` when the thread does not arrive in time, `stopping` when the
   *   parent stops before.
   */
  wait(thread: number, timeoutMs: number, parent: Cell): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(thread) ?? new Set();
      this.#waiting.set(thread, waiting);
      const fail = (error: TroupeError): void => {
        end();
        reject(error);
      };
      const limit = this.#clock.after(timeoutMs, () => {
        fail(new TroupeError("thread_down", `thread ${thread} was not up in ${timeoutMs} ms`));
      });
      // What is bound to the life of the parent is cancelled with it.
      const bound = { cancel: () => fail(parentStopped()) };
      const arrived = (): void => {
        end();
        resolve();
      };
      const end = (): void => {
        limit.cancel();
        waiting.delete(arrived);
        parent.removeTimer(bound);
      };
      parent.addTimer(bound);
      waiting.add(arrived);
    });
  }

  announce(thread: number): void {
    for (const arrived of this.#waiting.get(thread) ?? []) arrived();
    this.#waiting.delete(thread);
  }
}

function toRecipe(code: Code): { source: string; exportName: string } {
  if (typeof code !== "function") return code;
  const { source, name } = code;
  if (source === undefined) {
    throw new TypeError(
      `${name}: to be spawned on another thread the class needs ` +
        "`static readonly source = import.meta.url`",
    );
  }
  return { source, exportName: name };
}

function hasEnded(cell: Cell): boolean {
  return cell.state === "stopping" || cell.state === "stopped";
}

function parentStopped(): TroupeError {
  return new TroupeError("stopping", "the parent is stopping and starts nothing new");
}
