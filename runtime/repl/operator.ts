import { type ActorInfo, ActorRef } from "../actor/index.ts";
import { TroupeError } from "../core/index.ts";
import type { ChildInfo, Supervisor } from "../supervision/index.ts";
import type { System } from "../system/index.ts";
import { CommandError } from "./command.ts";

/** How long a supervisor may take to stop a child, ms: children may have long shutdown times. */
const stopTimeoutMs = 60_000;
const restartTimeoutMs = 10_000;
const restartPollMs = 20;

/** What became of an actor that was told to stop. */
export interface Stopped {
  readonly pid: string;
  readonly name: string | null;
}

/** What became of an actor that was killed to be restarted. */
export interface Restarted extends Stopped {
  /** The pid of its successor; null when its supervisor did not start one within 10 s. */
  readonly newPid: string | null;
}

/** An actor, and what its supervisor knows of it. */
interface Found {
  readonly ref: ActorRef;
  readonly info: ActorInfo;
  readonly supervisor: ActorRef<Supervisor> | null;
  readonly child: ChildInfo | null;
}

/** What an operator does to single actors, found by name or pid. */
export class Operator {
  readonly #system: System;

  constructor(system: System) {
    this.#system = system;
  }

  /** @throws CommandError when `x` is neither a ref, nor the name or pid of a living actor. */
  resolve(x: unknown): ActorRef {
    if (x instanceof ActorRef) return x;
    if (typeof x !== "string") {
      throw new CommandError(`expected an actor's name or pid, received ${typeof x}`);
    }
    const ref = this.#system.resolve(x);
    if (ref === undefined) throw noActor(x);
    return ref;
  }

  /** @throws CommandError when there is no such actor, or its thread does not answer. */
  async info(x: unknown): Promise<ActorInfo> {
    const pid = `${this.resolve(x)}`;
    const { actors, silent } = await this.#system.inspect();
    const info = actors.find((actor) => actor.pid === pid);
    if (info !== undefined) return info;
    if (silent.length === 0) throw noActor(`${x}`);
    throw new CommandError(`${x}: no answer from thread ${silent.join(", ")}`);
  }

  /** Stops an actor for good: its supervisor keeps the spec, but does not restart it. */
  async stop(x: unknown): Promise<Stopped> {
    const { ref, info, supervisor, child } = await this.#find(x);
    if (info.parent === null) throw new CommandError(`${x} holds the system up; it cannot stop`);
    if (supervisor !== null && child !== null) {
      await supervisor.askWith({ timeoutMs: stopTimeoutMs }).terminateChild(child.id);
    } else {
      this.#system.stopActor(ref);
    }
    return { pid: info.pid, name: info.name };
  }

  /**
   * Kills an actor and waits until its supervisor has started the next one. A supervisor is stopped
   * and started instead: killed, it would take all below it along without their `terminate`.
   */
  async restart(x: unknown): Promise<Restarted> {
    const { ref, info, supervisor, child } = await this.#find(x);
    if (supervisor === null || child === null) {
      throw new CommandError(`${x} has no supervisor that would start it again`);
    }
    let successor: ActorRef | null;
    if (child.type === "supervisor") {
      const ask = supervisor.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
      await ask.terminateChild(child.id);
      successor = await ask.restartChild(child.id);
    } else {
      this.#system.killActor(ref, "restarted by the operator");
      successor = await this.#successor(supervisor, child.id, ref);
    }
    return { pid: info.pid, name: info.name, newPid: successor === null ? null : `${successor}` };
  }

  async #find(x: unknown): Promise<Found> {
    const ref = this.resolve(x);
    const info = await this.info(ref);
    const none: Found = { ref, info, supervisor: null, child: null };
    if (info.parent === null) return none;
    const parent = this.#system.resolve(info.parent) as ActorRef<Supervisor> | undefined;
    if (parent === undefined) return none;
    const children = await childrenOf(parent);
    const child = children?.find((one) => one.ref?.equals(ref)) ?? null;
    return child === null ? none : { ref, info, supervisor: parent, child };
  }

  /** Nobody tells an outsider that a supervisor has restarted a child: it is asked again and again. */
  async #successor(
    supervisor: ActorRef<Supervisor>,
    id: string,
    old: ActorRef,
  ): Promise<ActorRef | null> {
    const { clock } = this.#system;
    const giveUpAt = clock.now() + restartTimeoutMs;
    while (clock.now() < giveUpAt) {
      const child = (await childrenOf(supervisor))?.find((one) => one.id === id);
      if (child === undefined) return null;
      if (child.ref !== null && !child.ref.equals(old)) return child.ref;
      await new Promise<void>((resolve) => void clock.after(restartPollMs, resolve));
    }
    return null;
  }
}

/** Null when the actor is no supervisor, or gone. */
async function childrenOf(ref: ActorRef<Supervisor>): Promise<readonly ChildInfo[] | null> {
  try {
    return await ref.ask.whichChildren();
  } catch (error) {
    if (error instanceof TroupeError) return null;
    throw error;
  }
}

function noActor(x: string): CommandError {
  return new CommandError(`no living actor has the name or pid ${JSON.stringify(x)}`);
}
