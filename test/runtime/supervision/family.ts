import { type TestKernel, testKernel } from "#runtime/testing";
import { Actor, type ActorRef } from "../../../runtime/actor/index.ts";
import { type ExitReason, killedExit } from "../../../runtime/core/index.ts";
import {
  type ChildSpec,
  type ChildStart,
  childOf,
  Supervisor,
  type SupervisorFlags,
} from "../../../runtime/supervision/index.ts";

/** What the children of a test did, and what they are told to do. */
export class Journal {
  /** `+a` when a started, `-a kind` when it terminated. */
  lines: string[] = [];
  /** The living child of each id. */
  readonly refs: Map<string, ActorRef<Relative>> = new Map();
  /** Ids whose `init` throws. */
  readonly failing: Set<string> = new Set();
  /** Ids whose `terminate` does not end. */
  readonly clinging: Set<string> = new Set();

  /** The lines since the last call. */
  take(): string[] {
    const { lines } = this;
    this.lines = [];
    return lines;
  }
}

/** A child that notes its start and its end. */
export class Relative extends Actor {
  readonly #id: string;
  readonly #journal: Journal;
  #started = false;

  constructor(id: string, journal: Journal) {
    super();
    this.#id = id;
    this.#journal = journal;
  }

  protected override init(): void {
    if (this.#journal.failing.has(this.#id)) throw new Error(`${this.#id} cannot start`);
    this.#started = true;
    this.#journal.lines.push(`+${this.#id}`);
    this.#journal.refs.set(this.#id, this.self as ActorRef<Relative>);
  }

  crash(): void {
    throw new Error(`${this.#id} broke`);
  }

  leave(kind: "normal" | "shutdown"): void {
    this.context.stop({ kind, message: "left" });
  }

  never(): Promise<void> {
    return new Promise(() => {});
  }

  protected override async terminate(reason: ExitReason): Promise<void> {
    if (!this.#started) return;
    this.#journal.lines.push(`-${this.#id} ${reason.kind}`);
    if (this.#journal.clinging.has(this.#id)) await new Promise(() => {});
  }
}

type SpecPart = Partial<Omit<ChildSpec<ChildStart>, "start" | "id">>;

/** A supervisor with children under a manual clock; restarts are not delayed unless flags say so. */
export class Family {
  readonly t: TestKernel;
  readonly journal: Journal = new Journal();
  #ref: ActorRef<Supervisor> | null = null;
  #ended: ExitReason | null = null;

  constructor(t: TestKernel = testKernel({ strictMessages: false })) {
    this.t = t;
  }

  get supervisor(): ActorRef<Supervisor> {
    if (this.#ref === null) throw new Error("the family has not started");
    return this.#ref;
  }

  child(id: string, part: SpecPart = {}): ChildSpec<ChildStart> {
    return childOf(Relative, { id, args: [id, this.journal], ...part });
  }

  /** Starts the supervisor under a watcher that notes its end. */
  async start(flags: SupervisorFlags, children: readonly ChildSpec<ChildStart>[]): Promise<this> {
    const args = [{ backoff: { minMs: 0 }, ...flags }, children] as const;
    this.#ref = await this.t.spawn(Supervisor, { args: [...args], shutdownMs: Infinity });
    const { ref, record } = await this.t.probe();
    ref.tell.watch(this.#ref);
    record.signal(1).then((signal) => {
      if (signal.type === "terminated") this.#ended = signal.reason;
    });
    await this.t.settle();
    return this;
  }

  /** How the supervisor stopped; empty while it lives. */
  endKind(): string {
    return this.#ended?.kind ?? "";
  }

  /** Why it stopped. */
  endMessage(): string {
    return this.#ended?.message ?? "";
  }

  ref(id: string): ActorRef<Relative> {
    const ref = this.journal.refs.get(id);
    if (ref === undefined) throw new Error(`${id} has never started`);
    return ref;
  }

  /** Ends a child in one of the ways there are, and lets everything follow that follows at once. */
  async end(id: string, how: "normal" | "shutdown" | "crash" | "kill"): Promise<string[]> {
    const ref = this.ref(id);
    if (how === "crash") ref.tell.crash();
    else if (how === "kill") this.t.kernel.signal(ref, { type: "kill", reason: killedExit });
    else ref.tell.leave(how);
    await this.t.settle();
    return this.journal.take();
  }

  /** Asks the supervisor to stop, as its parent would. */
  async stop(): Promise<string[]> {
    const reason: ExitReason = { kind: "shutdown", message: "the test ends" };
    this.t.kernel.signal(this.supervisor, { type: "stop", reason });
    await this.t.settle();
    return this.journal.take();
  }

  /** `id:status` of each child, in start order. */
  async statuses(): Promise<string[]> {
    const children = await this.t.until(this.supervisor.ask.whichChildren());
    return children.map((child) => `${child.id}:${child.status}`);
  }
}
