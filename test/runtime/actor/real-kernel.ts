import {
  Activity,
  type Actor,
  type ActorRef,
  activityBytes,
  Dispatcher,
  importModule,
  Kernel,
  type SpawnOptions,
} from "../../../runtime/actor/index.ts";
import { type Clock, seededRandom, systemClock } from "../../../runtime/core/index.ts";

/** A kernel under the real dispatcher, for what the step scheduler cannot show. */
export function realKernel(clock: Clock = systemClock): Kernel {
  return new Kernel({
    thread: 1,
    incarnation: 1,
    clock,
    random: seededRandom(1),
    log: () => {},
    scheduler: new Dispatcher(clock, 50, () => {}),
    activity: new Activity(new ArrayBuffer(activityBytes)),
    loadModule: importModule,
    strictMessages: false,
  });
}

/** Starts an actor without a parent. */
export async function start<C extends new (...args: never[]) => Actor>(
  kernel: Kernel,
  actorClass: C,
  args: ConstructorParameters<C>,
  options: SpawnOptions = {},
): Promise<ActorRef<InstanceType<C>>> {
  return (await kernel.spawnHere(actorClass, args, options, null)) as ActorRef<InstanceType<C>>;
}
