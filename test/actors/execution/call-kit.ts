import type { TestContext } from "node:test";
import { Actor, type ActorContext, type ActorRef, ReplyError } from "#runtime";
import { type TestKernel, testKernel } from "#runtime/testing";
import type { Call, CallRules } from "../../../actors/execution/call.ts";
import type { CallFailure } from "../../../actors/execution/call-failure.ts";
import { Invoker } from "../../../actors/execution/invoker.ts";
import { ThreadCalls } from "../../../actors/execution/thread-calls.ts";
import type { ModuleOutcome } from "../../../actors/hooks/module-functions.ts";
import type { FunctionTarget } from "../../../actors/registry/index.ts";
import { LOCAL_NODE, Replica } from "../../../actors/replicas/replica.ts";
import { HANDLER_FAILED } from "../../../actors/request/error-codes.ts";

/** What a worker does with a call. */
export type Behaviour = "ok" | "broken" | "crash" | "refuse" | "hang" | "no_room";

/** What a worker is to do, and what it got; the last behaviour goes on. */
export interface Script {
  readonly behaviours: Behaviour[];
  readonly calls: unknown[][];
}

class Worker extends Actor {
  readonly #script: Script;

  constructor(script: Script) {
    super();
    this.#script = script;
  }

  work(...args: unknown[]): unknown {
    return this.#act(args);
  }

  run(...args: unknown[]): unknown {
    return this.#act(args);
  }

  #act(args: unknown[]): unknown {
    const { behaviours, calls } = this.#script;
    calls.push(args);
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    switch (behaviour) {
      case "broken":
        throw new ReplyError(HANDLER_FAILED, "secret");
      case "crash":
        throw new Error("crashed");
      case "refuse":
        throw new ReplyError("sold_out", "None left");
      case "no_room":
        throw new ReplyError("queue_full", "the pool has too much work waiting");
      case "hang":
        return new Promise(() => {});
      default:
        return `done by ${this.context.name}`;
    }
  }
}

class Holder extends Actor {
  constructor(box: { context?: ActorContext }) {
    super();
    box.context = this.context;
  }
}

type Admission = null | { retryAfterMs: number };

/** Circuit breakers that do as they are told, and count. */
export class FakeBreakers {
  readonly refusals: Map<string, Admission | (() => Admission | Promise<Admission>)> = new Map();
  readonly settlements: string[] = [];
  admitted = 0;

  admit(target: string): Admission | Promise<Admission> {
    const told = this.refusals.get(target) ?? null;
    const admission = typeof told === "function" ? told() : told;
    if (admission === null) this.admitted += 1;
    else if (admission instanceof Promise) {
      void admission.then((refusal) => {
        if (refusal === null) this.admitted += 1;
      });
    }
    return admission;
  }

  settled(target: string, outcome: string, wasProbe?: boolean): void {
    this.settlements.push(`${target} ${outcome}${wasProbe === true ? " probe" : ""}`);
  }
}

/** How a call is to be made; what is missing is plain. */
export interface CallOptions extends Partial<CallRules> {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly args?: Record<string, unknown>;
  readonly pool?: string;
}

/** A call as its caller sees it: `end` is the code or `ok`, and null until it has ended. */
export interface Seen {
  end: string | null;
  result: unknown;
  ref: ActorRef | null;
  failure: CallFailure | null;
  endedAt: number;
  readonly ended: Promise<void>;
}

/** An Invoker under a manual clock, and the actors that it calls. */
export class CallKit {
  readonly kernel: TestKernel;
  readonly context: ActorContext;
  readonly shared: ThreadCalls;
  readonly breakers: FakeBreakers = new FakeBreakers();
  readonly scripts: Script[] = [];
  /** What the directory knows. */
  replicas: readonly Replica[] = [];
  /** The code of the configuration, by the name of the function. */
  readonly functions: Map<string, (...args: unknown[]) => Promise<ModuleOutcome>> = new Map();
  readonly #invoker: Invoker;

  constructor(kernel: TestKernel, context: ActorContext) {
    this.kernel = kernel;
    this.context = context;
    this.shared = new ThreadCalls(context, {
      replicas: { find: () => this.replicas },
      breakers: this.breakers,
      functions: {
        call: (target, args, timeoutMs) =>
          this.functions.get(target.function)?.(...args, timeoutMs) ??
          Promise.resolve({ ok: false, reason: "there is no such function" }),
      },
    });
    this.#invoker = new Invoker(context, this.shared);
  }

  /** Starts a worker, which the directory knows from now on. */
  async worker(
    behaviours: Behaviour[] = ["ok"],
    options: { node?: string; capacity?: number } = {},
  ): Promise<Replica> {
    const { node = LOCAL_NODE, capacity = 100 } = options;
    const script: Script = { behaviours, calls: [] };
    this.scripts.push(script);
    const name = `worker-${this.scripts.length}`;
    const ref = await this.kernel.spawn(Worker, {
      ...{ name, args: [script], mailboxCapacity: capacity },
      concurrency: capacity === 1 ? 1 : 100,
    });
    const replica = new Replica(`${node}/${ref.key}`, node, ref);
    this.replicas = [...this.replicas, replica];
    return replica;
  }

  kill({ ref }: Replica): void {
    this.kernel.kernel.signal(ref, { type: "kill", reason: { kind: "killed", message: "killed" } });
  }

  /** The calls that each worker got. */
  get counts(): number[] {
    return this.scripts.map(({ calls }) => calls.length);
  }

  /** How many calls were begun, whoever began them. */
  get begun(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  call(options: CallOptions = {}): Seen {
    const call = encodeCall(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    const seen: Seen = {
      ...{ end: null, result: null, ref: null, failure: null, endedAt: -1, ended: promise },
    };
    const end = (code: string, rest: Partial<Seen>): void => {
      if (seen.end !== null) throw new Error(`ended twice: ${seen.end}, ${code}`);
      Object.assign(seen, { ...rest, end: code, endedAt: this.context.clock.now() });
      resolve();
    };
    void this.#invoker.invoke<void>(
      call,
      (result, ref) => end("ok", { result, ref }),
      (failure) => end(failure.code, { failure }),
    );
    return seen;
  }

  /** The end of a call, time passing while it takes. */
  async end(options: CallOptions = {}): Promise<string> {
    const seen = this.call(options);
    await this.ended(seen);
    return seen.end ?? "";
  }

  /** Lets time pass until the call has ended. */
  async ended(seen: Seen): Promise<void> {
    await this.kernel.settle();
    for (let step = 0; seen.end === null && step < 10_000; step++) await this.kernel.advance(20);
    if (seen.end === null) throw new Error("the call does not end");
  }
}

/** A kit; its seed decides the backoffs and the order of turns. */
export async function startCallKit(t: TestContext | null, seed = 1): Promise<CallKit> {
  const kernel = testKernel({ seed });
  const box: { context?: ActorContext } = {};
  await kernel.spawn(Holder, { args: [box] });
  if (box.context === undefined) throw new Error("no context");
  t?.diagnostic(`seed ${seed}`);
  return new CallKit(kernel, box.context);
}

function encodeCall(options: CallOptions): Call {
  const { timeoutMs = 5_000, signal, args = {}, pool = null, ...rules } = options;
  const config: CallRules = {
    ...{ nodes: "local", chooseNodeMode: "round_robin", retry: null, idempotent: false },
    ...{ hookTimeout: 1_000, mfa: { module: "users", function: "work", args: [] }, ...rules },
  };
  const info = { requestId: "r1", userId: "alice", userRoles: [], deviceId: null };
  return {
    callable: {
      ...{ service: "users", requestType: "get", config, group: "service/users", method: "work" },
      clusterGroup: "services/users",
      ...{ pool, target: pool ?? "local/users/get" },
    },
    request: {
      ...{ requestId: "r1", requestType: "get", service: "users" },
      ...{ args, version: null, deviceId: null },
    },
    info,
    message: [args, info],
    timeoutMs,
    signal,
  };
}

/** A function of the configuration; {@link CallKit.functions} has it under its name. */
export function functionTarget(name: string): FunctionTarget {
  return { module: "file:///functions.ts", function: name, args: [] };
}

/** A signal, and what fires it. */
export function cancellable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
