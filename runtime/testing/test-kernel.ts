import {
  Activity,
  type ActorArgs,
  type ActorClass,
  type ActorRef,
  activityBytes,
  importModule,
  Kernel,
  type ModuleLoader,
  Names,
  namesId,
  type SpawnOptions,
  Threads,
  threadsId,
} from "../actor/index.ts";
import { lineLog, seededRandom } from "../core/index.ts";
import { ManualClock } from "./manual-clock.ts";
import { type NoteTaker, type Probe, ProbeRecord, probeClass } from "./probe.ts";
import { StepScheduler } from "./step-scheduler.ts";

/** What a {@link TestKernel} is made of; several kernels may share clock and scheduler. */
export interface TestKernelOptions {
  /** Decides the order of steps and the random numbers of actors; default 1. */
  readonly seed?: number;
  /** Default true. */
  readonly strictMessages?: boolean;
  readonly clock?: ManualClock;
  readonly steps?: StepScheduler;
  /** Default 0, the main thread, which holds the names. */
  readonly thread?: number;
  /** Default 1. */
  readonly incarnation?: number;
  /** The name of its node in a cluster; default none. */
  readonly nodeName?: string;
  /** Default: the platform's import. */
  readonly loadModule?: ModuleLoader;
}

/** A probe as a test holds it. */
export interface ProbeHandle<A> {
  readonly ref: ActorRef<Probe<A> & A>;
  readonly record: ProbeRecord<A>;
}

/** A thread's kernel under a manual clock and a step scheduler: nothing happens by itself. */
export class TestKernel {
  readonly kernel: Kernel;
  readonly clock: ManualClock;
  readonly steps: StepScheduler;
  /** Every line that was logged, debug lines too. */
  readonly logLines: string[] = [];

  constructor(options: TestKernelOptions = {}) {
    const { seed = 1, thread = 0 } = options;
    this.clock = options.clock ?? new ManualClock();
    this.steps = options.steps ?? new StepScheduler(seed);
    this.kernel = new Kernel({
      thread,
      incarnation: options.incarnation ?? 1,
      nodeName: options.nodeName ?? null,
      clock: this.clock,
      random: seededRandom(seed),
      log: lineLog(this.clock, "debug", (line) => this.logLines.push(line)),
      scheduler: this.steps,
      activity: new Activity(new ArrayBuffer(activityBytes)),
      loadModule: options.loadModule ?? importModule,
      strictMessages: options.strictMessages ?? true,
    });
    if (thread === 0) this.#spawnMainActors();
  }

  /** Starts an actor without a parent; resolves when its `init` is done. Rejects as `spawn` does. */
  async spawn<C extends ActorClass>(
    actorClass: C,
    options: SpawnOptions & { readonly args?: ActorArgs<C> } = {},
  ): Promise<ActorRef<InstanceType<C>>> {
    const { args = [], ...rest } = options;
    const ref = await this.until(this.kernel.spawnHere(actorClass, args, rest, null));
    return ref as ActorRef<InstanceType<C>>;
  }

  /**
   * Starts a probe that records `note(value)`, or the methods named:
   * `probe<Session>(["push", "close"])`.
   */
  async probe<A = NoteTaker>(
    methods: readonly (keyof A & string)[] = ["note"] as unknown as (keyof A & string)[],
    options: SpawnOptions = {},
  ): Promise<ProbeHandle<A>> {
    const record = new ProbeRecord<A>();
    const made = this.kernel.spawnHere(probeClass(methods), [record], options, null);
    return { ref: (await this.until(made)) as ProbeHandle<A>["ref"], record };
  }

  /** See {@link StepScheduler.settle}. */
  settle(): Promise<void> {
    return this.steps.settle();
  }

  /** See {@link StepScheduler.until}. */
  until<T>(promise: PromiseLike<T>): Promise<T> {
    return this.steps.until(promise);
  }

  /** Lets `ms` pass, one due time after the other, and settles after each. */
  async advance(ms: number): Promise<void> {
    let left = ms;
    await this.settle();
    for (let next = this.clock.nextDueInMs; next !== undefined && next <= left; ) {
      this.clock.advance(next);
      left -= next;
      await this.settle();
      next = this.clock.nextDueInMs;
    }
    this.clock.advance(left);
    await this.settle();
  }

  #spawnMainActors(): void {
    const { kernel } = this;
    const namesPort = {
      isAlive: (ref: ActorRef) =>
        Promise.resolve(
          ref.thread !== kernel.thread || kernel.find(ref.id)?.ref.equals(ref) === true,
        ),
      onThreadDown: () => {},
    };
    const threadsPort = {
      schedulers: [],
      openDedicated: () => Promise.reject(new Error("a test kernel opens no dedicated threads")),
      closeDedicated: () => Promise.resolve(),
      expectEnd: () => {},
    };
    kernel.spawnFixed(namesId, Names, [namesPort], {});
    kernel.spawnFixed(threadsId, Threads, [threadsPort], {});
  }
}

/** A kernel for a test; see {@link TestKernel}. */
export function testKernel(options: TestKernelOptions = {}): TestKernel {
  return new TestKernel(options);
}
