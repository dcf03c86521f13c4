import { type ChildSpec, type ChildStart, childOf, Supervisor } from "#runtime";
import type { ServiceOptions } from "./define-service.ts";
import type { ModuleFunctionSpec } from "./module-class.ts";

/** Where the instances of a service may live, and how long they may take to stop. */
export interface StartOptions {
  /** The scheduler threads. */
  readonly schedulers: readonly number[];
  /** For the calls in progress when an instance is stopped, ms. */
  readonly drainMs: number;
}

/** Where the class of instances comes from: a module of this folder, and what it is to load. */
export type InstanceCode = Readonly<Record<"source" | "exportName", string>>;

/** The instances of a service: `url` is the versioned URL of its module, `module` their group. */
export function serviceCode(module: string, url: string): InstanceCode {
  const query = new URLSearchParams({ service: url, module });
  const source = `${import.meta.resolve("./instance.ts")}?${query}`;
  return { source, exportName: "ServiceInstance" };
}

/** The instances of a plain module, which its versioned URL names, with these functions. */
export function moduleCode(url: string, functions: readonly ModuleFunctionSpec[]): InstanceCode {
  const query = new URLSearchParams({ module: url, functions: JSON.stringify(functions) });
  const source = `${import.meta.resolve("./module-instance.ts")}?${query}`;
  return { source, exportName: "ModuleInstance" };
}

/**
 * The supervisor of one service: its instances, each restarted by itself; more than 5 restarts in
 * 60 s end it, and it alone. `module` is its name.
 */
export function encodeServiceSpec(
  module: string,
  code: InstanceCode,
  options: ServiceOptions,
  { schedulers, drainMs }: StartOptions,
): ChildSpec<ChildStart> {
  const children = selectPlaces(options, schedulers).map((thread, index) =>
    encodeInstance(`${module}-${index + 1}`, thread, code, options, drainMs),
  );
  const backoff = { minMs: 10, maxMs: 5_000 };
  return childOf(Supervisor, {
    args: [{ intensity: 5, periodMs: 60_000, backoff }, children],
    options: { name: module, thread: 0 },
    restart: "temporary",
    type: "supervisor",
  });
}

/** The names of the instances, in order. */
export function listInstances(
  module: string,
  options: ServiceOptions,
  schedulers: readonly number[],
): string[] {
  return selectPlaces(options, schedulers).map((_thread, index) => `${module}-${index + 1}`);
}

type Place = number | "any" | "dedicated";

function selectPlaces(options: ServiceOptions, schedulers: readonly number[]): readonly Place[] {
  const { instances = 1, thread = "any" } = options;
  return instances === "per-thread" ? schedulers : new Array<Place>(instances).fill(thread);
}

function encodeInstance(
  name: string,
  thread: Place,
  code: InstanceCode,
  { concurrency = 1_000, mailboxCapacity, resourceLimits }: ServiceOptions,
  drainMs: number,
): ChildSpec<ChildStart> {
  const limits = {
    ...(mailboxCapacity === undefined ? {} : { mailboxCapacity }),
    ...(resourceLimits === undefined ? {} : { resourceLimits }),
  };
  return {
    id: name,
    start: { code, args: [drainMs], options: { name, thread, concurrency, ...limits } },
    shutdown: drainMs,
  };
}
