import { clearLine, cursorTo } from "node:readline";
import { type REPLServer, start } from "node:repl";
import type { Readable, Writable } from "node:stream";
import { inspect } from "node:util";
import { TroupeError } from "../core/index.ts";
import { type Command, CommandError, type CommandTable, formatCall } from "./command.ts";
import { selectArguments, selectCommands } from "./completion.ts";
import { LineGate } from "./line-gate.ts";

/** Where a prompt reads and writes. */
export interface PromptStreams {
  readonly input: Readable;
  readonly output: Writable;
  /** Whether a person sits there: line editing, colours, a prompt. Without, answers alone. */
  readonly terminal: boolean;
}

/** What a prompt offers. */
export interface PromptOptions {
  readonly table: CommandTable;
  /** Further names that expressions can use. */
  readonly context: Readonly<Record<string, unknown>>;
}

type Evaluate = REPLServer["eval"];
type Completer = (line: string, done: (error: Error | null, result?: unknown) => void) => void;

/** What failed, told in one line where JavaScript would show a stack. */
class Failure {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/**
 * A JavaScript prompt on which the commands are functions. What a command returns is shown as its
 * `format` says once it is there, and is plain data for whoever goes on computing with it:
 * `tree()` shows the tree, `(await tree())[0].children.length` counts. The bare name of a command,
 * `tree`, is its call without arguments; of one that needs some it tells how it is called.
 */
export class Prompt {
  /** Resolves when the prompt was left, by `.exit`, Ctrl-D or the end of its input. */
  readonly closed: Promise<void>;
  readonly #repl: REPLServer;
  readonly #output: Writable;
  readonly #terminal: boolean;
  /** The promises that commands returned, which the prompt waits for without `await`. */
  readonly #pending = new WeakSet<object>();
  /** How what commands returned is shown. */
  readonly #formats = new WeakMap<object, string>();
  /** The commands by the functions that stand for them. */
  readonly #commands = new WeakMap<object, Command>();
  #working: Promise<unknown> = Promise.resolve();
  #done: () => void = () => {};
  #isClosed = false;

  constructor(streams: PromptStreams, { table, context }: PromptOptions) {
    const { input, output, terminal } = streams;
    this.#output = output;
    this.#terminal = terminal;
    const gate = terminal ? input : input.pipe(new LineGate(() => this.#idle()));
    this.#repl = start({
      ...{ input: gate, output, terminal, useColors: terminal, useGlobal: false, preview: false },
      prompt: terminal ? "troupe> " : "",
      ignoreUndefined: true,
      writer: (value: unknown) => this.#show(value),
    });
    // Of a broken input its owner hears; the end that follows closes the prompt.
    this.#repl.on("error", () => {});
    // Who is no person needs no sign that a statement goes on in the next line.
    if (!terminal) Object.defineProperty(this.#repl, "displayPrompt", { value: () => {} });
    Object.assign(this.#repl.context, context);
    for (const command of table.list()) {
      const value = (...args: unknown[]): unknown => this.#run(command, args);
      this.#commands.set(value, command);
      Object.defineProperty(this.#repl.context, command.name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    this.#awaitCommands(this.#repl.eval);
    this.#completeNames(this.#repl.completer as Completer, table);
    this.closed = new Promise((resolve) => {
      this.#repl.once("exit", () => {
        this.#isClosed = true;
        void this.#idle().then(resolve);
      });
    });
  }

  /** Leaves the prompt. */
  close(): void {
    if (!this.#isClosed) this.#repl.close();
  }

  /** Writes a line without spoiling what is being typed. */
  printAbove(line: string): void {
    if (this.#isClosed || !this.#terminal) {
      this.#output.write(`${line}\n`);
      return;
    }
    cursorTo(this.#output, 0);
    clearLine(this.#output, 0);
    this.#output.write(`${line}\n`);
    this.#repl.displayPrompt(true);
  }

  #idle(): Promise<void> {
    return this.#working.then(
      () => {},
      () => {},
    );
  }

  #run(command: Command, args: readonly unknown[]): Promise<unknown> {
    const result = Promise.try(() => command.run(...args)).then((value) => {
      if (command.format !== undefined && typeof value === "object" && value !== null) {
        this.#formats.set(value, command.format(value as never));
      }
      return value;
    });
    this.#pending.add(result);
    return result;
  }

  /** The call that a line means which is the name of a command and nothing else. */
  #callBare(code: string, value: unknown): unknown {
    const command = typeof value === "function" ? this.#commands.get(value) : undefined;
    if (command === undefined || code.trim().replace(/\s*;$/, "") !== command.name) return value;
    const needsMore = command.parameters.some(({ kind, optional }) => !optional && kind !== "rest");
    return needsMore
      ? new Failure(`${formatCall(command)}: ${command.description}`)
      : this.#run(command, []);
  }

  #awaitCommands(evaluate: Evaluate): void {
    const own: Evaluate = (code, context, file, done) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#working = promise;
      this.#done = resolve;
      evaluate.call(this.#repl, code, context, file, (error, evaluated) => {
        const value = this.#callBare(code, evaluated);
        if (typeof value !== "object" || value === null || !this.#pending.has(value)) {
          done(...failure(error, value));
          resolve();
          return;
        }
        (value as Promise<unknown>)
          .then(
            (result) => done(null, result),
            (thrown) => done(...failure(thrown, undefined)),
          )
          .finally(resolve);
      });
    };
    Object.defineProperty(this.#repl, "eval", { value: own });
  }

  #completeNames(standard: Completer, table: CommandTable): void {
    const own: Completer = (line, done) => {
      const inString = selectArguments(line, table);
      if (inString !== undefined) {
        done(null, inString);
        return;
      }
      const [calls, fragment] = selectCommands(line, table);
      if (calls.length > 0 && fragment !== "") done(null, [calls, fragment]);
      else standard.call(this.#repl, line, done);
    };
    Object.defineProperty(this.#repl, "completer", { value: own });
  }

  #show(value: unknown): string {
    // A line that throws ends in being shown alone: its evaluation never calls back.
    this.#done();
    if (value instanceof Failure) return value.text;
    const [, shown] = failure(value, value);
    if (shown instanceof Failure) return shown.text;
    const formatted = typeof value === "object" && value !== null && this.#formats.get(value);
    return formatted || inspect(value, { colors: this.#terminal, depth: 4 });
  }
}

/** A fault that the runtime or a command reports needs no stack: it is not in the code typed. */
function failure(error: unknown, value: unknown): [Error | null, unknown] {
  if (error instanceof CommandError) return [null, new Failure(error.message)];
  if (error instanceof TroupeError) return [null, new Failure(`${error.code}: ${error.message}`)];
  return [error as Error | null, value];
}
