import { pathToFileURL } from "node:url";
import { type ActorInfo, ActorRef, defaultAskTimeoutMs } from "../actor/index.ts";
import { toErrorRecord } from "../core/index.ts";
import type { System, TreeNode } from "../system/index.ts";
import { formatActors, formatDeadLetters, formatThreads, formatTree } from "./actor-text.ts";
import { type Command, CommandError, CommandTable, type Parameter } from "./command.ts";
import { Operator, type Restarted, type Stopped } from "./operator.ts";
import { formatDuration, formatFields } from "./table-text.ts";

/**
 * The commands that every system has; whoever builds on the runtime adds those of its own. `system`
 * is called when one is carried out, so that a process without a system can list them.
 */
export function runtimeCommands(system: () => System): CommandTable {
  const operator = (): Operator => new Operator(system());
  const x: Parameter = { name: "x", kind: "text", complete: () => system().names() };
  const method: Parameter = { name: "method", kind: "text" };
  const args: Parameter = { name: "args", kind: "rest" };
  const commands: Command[] = [
    {
      name: "tree",
      parameters: [],
      description: "the supervision tree",
      run: async () => sortTree(await system().tree()),
      format: formatTree,
    },
    {
      name: "ps",
      parameters: [],
      description: "all actors, the longest mailbox first",
      run: async () => selectBusiest((await system().inspect()).actors),
      format: formatActors,
    },
    {
      name: "inspect",
      parameters: [x],
      description: "an actor, by its name or pid",
      run: (actor) => operator().info(actor),
      format: (info: ActorInfo) =>
        formatFields({ ...info, uptimeMs: undefined, uptime: formatDuration(info.uptimeMs) }),
    },
    {
      name: "spawn",
      parameters: [{ name: "path", kind: "file" }, { ...args }],
      description: "start the actor that a module exports as default",
      run: (path, ...rest) => spawnDefault(system(), path, rest),
      format: ({ pid }: { pid: string }) => `started ${pid}`,
    },
    {
      name: "stop",
      parameters: [x],
      description: "stop an actor; its supervisor does not start it anew",
      run: (actor) => operator().stop(actor),
      format: formatStopped,
    },
    {
      name: "restart",
      parameters: [x],
      description: "kill an actor, so that its supervisor or parent starts it anew",
      run: (actor) => operator().restart(actor),
      format: formatRestarted,
    },
    {
      name: "tell",
      parameters: [x, method, args],
      description: "send an actor a message and do not wait",
      run: (actor, message, ...rest) => {
        const stub = operator().resolve(actor).tell as Record<string, Send<boolean>>;
        return stub[parseMethod(message)]?.(...parseArguments(rest)) ?? false;
      },
      format: (taken: boolean) => (taken ? "sent" : "refused; see deadLetters"),
    },
    {
      name: "ask",
      parameters: [x, method, args],
      description: "send an actor a message and wait for the answer",
      run: (actor, message, ...rest) => {
        const ask = operator().resolve(actor).askWith({ timeoutMs: defaultAskTimeoutMs });
        return (ask as Record<string, Send<unknown>>)[parseMethod(message)]?.(
          ...parseArguments(rest),
        );
      },
    },
    {
      name: "threads",
      parameters: [],
      description: "the threads, their actors and their memory",
      run: async () => {
        const { threads, silent } = await system().inspect();
        return { threads, silent };
      },
      format: formatThreads,
    },
    {
      name: "deadLetters",
      parameters: [],
      description: "the last messages that nobody took",
      run: () => system().deadLetters(),
      format: formatDeadLetters,
    },
  ];
  return new CommandTable(commands);
}

type Send<Result> = (...args: unknown[]) => Result;

function formatStopped({ pid, name, parent }: Stopped): string {
  const stopped = `stopped ${pid}${name === null ? "" : ` ${name}`}`;
  return parent === null ? stopped : `${stopped}; its parent ${parent} may start it anew`;
}

function formatRestarted({ pid, name, parent, newPid }: Restarted): string {
  if (newPid !== null) return `${pid} is now ${newPid}`;
  if (parent === null || name !== null) return `killed ${pid}; it was not started anew`;
  return `killed ${pid}; its parent ${parent} may start it anew`;
}

/** Siblings by name, the numbers in it by value: an order that stays from call to call. */
function sortTree(nodes: readonly TreeNode[]): TreeNode[] {
  const order = new Intl.Collator("en", { numeric: true });
  const label = ({ name, class: className, pid }: TreeNode): string =>
    name ?? `${className} ${pid}`;
  return [...nodes]
    .sort((a, b) => order.compare(label(a), label(b)))
    .map((node) => ({ ...node, children: sortTree(node.children) }));
}

function selectBusiest(actors: readonly ActorInfo[]): ActorInfo[] {
  return [...actors].sort(
    (a, b) => b.mailbox + b.active - (a.mailbox + a.active) || b.handled - a.handled,
  );
}

async function spawnDefault(
  system: System,
  path: unknown,
  args: readonly unknown[],
): Promise<{ pid: string }> {
  const source = parseModuleUrl(path);
  const id = `${source}#${system.clock.now()}`;
  const start = { code: { source, exportName: "default" }, args: parseArguments(args) };
  return { pid: `${await system.startChild({ id, start })}` };
}

/**
 * The URL of a module that an operator named by path or file: URL; a relative path starts from the
 * working folder of this process.
 * @throws CommandError when it is neither.
 */
export function parseModuleUrl(path: unknown): string {
  if (typeof path !== "string" || path === "") {
    throw new CommandError(`expected the path of a module, received ${JSON.stringify(path)}`);
  }
  return path.startsWith("file:") ? path : pathToFileURL(path).href;
}

function parseMethod(message: unknown): string {
  if (typeof message === "string" && message !== "") return message;
  throw new CommandError(`expected the name of a message, received ${JSON.stringify(message)}`);
}

/**
 * What was written at a prompt belongs to that prompt's realm, with an Object of its own: other
 * threads would not know plain data by it.
 * @throws CommandError for what cannot be sent.
 */
export function parseArguments(args: readonly unknown[]): unknown[] {
  return args.map((arg, index) => {
    if (arg instanceof ActorRef) return arg;
    try {
      return structuredClone(arg);
    } catch (error) {
      const why = toErrorRecord(error).message;
      throw new CommandError(`argument ${index + 1} cannot be sent: ${why}`);
    }
  });
}
