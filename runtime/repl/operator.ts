import { type ActorInfo, ActorRef } from "../actor/index.ts";
import { TroupeError } from "../core/index.ts";
import type { ChildInfo, Supervisor } from "../supervision/index.ts";
import type { System } from "../system/index.ts";
import { CommandError } from "./command.ts";

/** How long a supervisor may take to stop a child, ms: children may have long shutdown times. */
const stopTimeoutMs = 60_000;
const restartTimeoutMs = 10_000;
const restartPollMs = 20;
const killedBy = "restarted by the operator";

/** What became of an actor that was told to stop. */
export interface Stopped {
  readonly pid: string;
  readonly name: string | null;
  /**
   * Name or pid of the actor that had spawned it and may start it anew as it needs it; null: a
   * supervisor had, and does what its spec says.
   */
  readonly parent: string | null;
}

/** What became of an actor that was killed to be restarted. */
export interface Restarted extends Stopped {
  /**
   * The pid of its successor; null when none was started within 10 s, or when nobody can tell who it
   * is: it would be a child without a name of an actor that is no supervisor.
   */
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

  /**
   * Stops an actor. Its supervisor keeps the spec, but does not restart it; an actor that has spawned
   * it itself may do what it does whenever that child ends.
   */
  async stop(x: unknown): Promise<Stopped> {
    const { ref, info, supervisor, child } = await this.#find(x);
    if (info.parent === null) throw new CommandError(`${x} holds the system up; it cannot stop`);
    if (supervisor !== null && child !== null) {
      await supervisor.askWith({ timeoutMs: stopTimeoutMs }).terminateChild(child.id);
      return { pid: info.pid, name: info.name, parent: null };
    }
    const parent = await this.#label(info.parent);
    this.#system.stopActor(ref);
    return { pid: info.pid, name: info.name, parent };
  }

  /**
   * Kills an actor and waits until its supervisor, or the actor that had spawned it under a name, has
   * started the next one. A supervisor is stopped and started instead: killed, it would take all below
   * it along without their `terminate`.
   */
  async restart(x: unknown): Promise<Restarted> {
    const { ref, info, supervisor, child } = await this.#find(x);
    const { pid, name } = info;
    if (info.parent === null) {
      throw new CommandError(`${x} has no supervisor that would start it again`);
    }
    if (supervisor === null || child === null) {
      const parent = await this.#label(info.parent);
      this.#system.killActor(ref, killedBy);
      const successor = name === null ? null : await this.#successor(ref, () => this.#named(name));
      return { pid, name, parent, newPid: successor === null ? null : `${successor}` };
    }
    let successor: ActorRef | null;
    if (child.type === "supervisor") {
      const ask = supervisor.askWith({ timeoutMs: Number.POSITIVE_INFINITY });
      await ask.terminateChild(child.id);
      successor = await ask.restartChild(child.id);
    } else {
      this.#system.killActor(ref, killedBy);
      successor = await this.#successor(ref, () => runningChild(supervisor, child.id));
    }
    return { pid, name, parent: null, newPid: successor === null ? null : `${successor}` };
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

  /** An actor's name, or its pid where it has none or does not answer. */
  async #label(pid: string): Promise<string> {
    const { actors } = await this.#system.inspect();
    return actors.find((actor) => actor.pid === pid)?.name ?? pid;
  }

  #named(name: string): ActorRef | null {
    return this.#system.resolve(name) ?? null;
  }

  /**
   * Nobody tells an outsider that a child has been restarted: whoever knows is asked again and again.
   *
   * @param look what runs in its place, itself included; null: nothing; undefined: nothing ever will
   */
  async #successor(
    old: ActorRef,
    look: () => Promise<ActorRef | null | undefined> | ActorRef | null,
  ): Promise<ActorRef | null> {
    const { clock } = this.#system;
    const giveUpAt = clock.now() + restartTimeoutMs;
    while (clock.now() < giveUpAt) {
      const found = await look();
      if (found === undefined) return null;
      if (found !== null && !found.equals(old)) return found;
      await new Promise<void>((resolve) => void clock.after(restartPollMs, resolve));
    }
    return null;
  }
}

/** Null while the child does not run, undefined when the supervisor knows it no more. */
async function runningChild(
  supervisor: ActorRef<Supervisor>,
  id: string,
): Promise<ActorRef | null | undefined> {
  return (await childrenOf(supervisor))?.find((one) => one.id === id)?.ref;
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
