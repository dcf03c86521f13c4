import type { ActorContext } from "#runtime";
import { BreakerBoard } from "../breaker/index.ts";
import { ModuleFunctions } from "../hooks/index.ts";
import { registryTable } from "../registry/index.ts";
import {
  ClusterNames,
  GroupReplicas,
  type ReplicaDirectory,
  ReplicaSelector,
  SelectionScope,
} from "../replicas/index.ts";
import type { CalledFunction } from "./call.ts";
import { RetryBudget } from "./retry-budget.ts";
import { settingsTable } from "./settings.ts";

/** What calls need of the rest of the gateway. */
export interface CallPorts {
  readonly replicas: ReplicaDirectory;
  /** The circuit breakers of what is called. */
  readonly breakers: Pick<BreakerBoard, "admit" | "settled">;
  /** The resolvers and strategies of the configuration. */
  readonly functions: Pick<ModuleFunctions, "call">;
}

const instances = new WeakMap<object, ThreadCalls>();

/** What the calls of one thread have in common, whoever makes them. */
export class ThreadCalls implements CallPorts {
  readonly replicas: ReplicaDirectory;
  readonly breakers: Pick<BreakerBoard, "admit" | "settled">;
  readonly functions: Pick<ModuleFunctions, "call">;
  readonly budget: RetryBudget = new RetryBudget();
  readonly #scope: SelectionScope;
  readonly #selectors = new WeakMap<CalledFunction, ReplicaSelector>();

  constructor(context: ActorContext, ports: CallPorts) {
    this.replicas = ports.replicas;
    this.breakers = ports.breakers;
    this.functions = ports.functions;
    const { thread, random, clock } = context;
    const settings = context.table<unknown>(settingsTable);
    const names = new ClusterNames(context.nodes, () => {
      const name = settings.get("nodeName");
      return typeof name === "string" ? name : null;
    });
    this.#scope = new SelectionScope(thread, random, clock, names);
  }

  /** Those of the thread of `context`. */
  static of(context: ActorContext): ThreadCalls {
    const table = context.table(registryTable);
    let calls = instances.get(table);
    if (calls === undefined) {
      calls = new ThreadCalls(context, {
        replicas: new GroupReplicas(context),
        breakers: BreakerBoard.of(context),
        functions: ModuleFunctions.of(context),
      });
      instances.set(table, calls);
    }
    return calls;
  }

  /** The selection of a function, which is kept for as long as the function is. */
  selectorOf(callable: CalledFunction): ReplicaSelector {
    let selector = this.#selectors.get(callable);
    if (selector === undefined) {
      selector = new ReplicaSelector(callable, this.#scope);
      this.#selectors.set(callable, selector);
    }
    return selector;
  }
}
