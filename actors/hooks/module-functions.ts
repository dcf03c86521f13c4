import {
  type ActorContext,
  type Clock,
  isReplyError,
  type ReplyError,
  toErrorRecord,
} from "#runtime";
import type { FunctionTarget } from "../registry/index.ts";
import { decideFunctionAccess, trustedModulesTable } from "./module-access.ts";
import { ModuleImports } from "./module-imports.ts";

/** What a function returned, or why it returned nothing. */
export type ModuleOutcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      /** For the log. */
      readonly reason: string;
      /** Thrown to tell the client, such as a ServiceError; absent for all other failures. */
      readonly error?: ReplyError;
    };

type ModuleFunction = (...args: unknown[]) => unknown;

const instances = new WeakMap<object, ModuleFunctions>();

/**
 * The functions of modules that configurations name: hooks, permission callbacks, resolvers,
 * strategies. One for each thread; see {@link ModuleImports} for what is imported, and when.
 */
export class ModuleFunctions {
  readonly #clock: Clock;
  readonly #imports: ModuleImports;

  private constructor(clock: Clock, imports: ModuleImports) {
    this.#clock = clock;
    this.#imports = imports;
  }

  /** Those of the thread of `context`. */
  static of(context: ActorContext): ModuleFunctions {
    const { clock } = context;
    const trusted = context.table<unknown>(trustedModulesTable);
    let functions = instances.get(trusted);
    if (functions === undefined) {
      functions = new ModuleFunctions(clock, new ModuleImports(clock, trusted));
      instances.set(trusted, functions);
    }
    return functions;
  }

  /**
   * Calls the function with `args`, then with the arguments of the target, and waits `timeoutMs` at
   * most for its result, its import included. Never rejects. A function that has begun by then is
   * not stopped; one that has not never begins.
   */
  call(
    target: FunctionTarget,
    args: readonly unknown[],
    timeoutMs: number,
  ): Promise<ModuleOutcome> {
    return new Promise((resolve) => {
      let isOver = false;
      const timer = this.#clock.after(timeoutMs, () => {
        isOver = true;
        this.#imports.giveUp(target.module);
        const reason = `${target.function} of ${target.module} took longer than ${timeoutMs} ms`;
        resolve({ ok: false, reason });
      });
      const run = async (): Promise<void> => {
        const found = await this.#find(target);
        if (isOver) return;
        const outcome = found.ok ? await apply(found.value, [...args, ...target.args]) : found;
        timer.cancel();
        resolve(outcome);
      };
      void run();
    });
  }

  async #find({ module, function: name }: FunctionTarget): Promise<Found> {
    const denied = decideFunctionAccess(name);
    if (denied !== null) return { ok: false, reason: denied };
    const loaded = await this.#imports.load(module);
    if (!loaded.ok) return loaded;
    const { namespace } = loaded;
    // An export that is not initialised yet, because of a cycle of imports, throws when it is read.
    try {
      const value: unknown = Object.hasOwn(namespace, name) ? Reflect.get(namespace, name) : null;
      if (typeof value === "function") return { ok: true, value: value as ModuleFunction };
    } catch {}
    return { ok: false, reason: `${module} exports no function ${name}` };
  }
}

type Found =
  | { readonly ok: true; readonly value: ModuleFunction }
  | Extract<ModuleOutcome, { readonly ok: false }>;

async function apply(call: ModuleFunction, args: readonly unknown[]): Promise<ModuleOutcome> {
  try {
    return { ok: true, value: await Reflect.apply(call, undefined, args) };
  } catch (error) {
    const { name, message } = toErrorRecord(error);
    const reason = `${call.name} threw ${name}: ${message}`;
    return isReplyError(error) ? { ok: false, reason, error } : { ok: false, reason };
  }
}
