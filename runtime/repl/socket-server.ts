import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { inspect } from "node:util";
import { toErrorRecord } from "../core/index.ts";
import { CommandError, type CommandTable } from "./command.ts";
import { Prompt, type PromptOptions } from "./prompt.ts";
import { clearSocketFile } from "./socket-file.ts";
import {
  type Answer,
  encodeAnswer,
  maxOpeningBytes,
  type Opening,
  parseOpening,
} from "./socket-protocol.ts";

/** Group and others have no part in it: whoever connects commands the system. */
const socketUmask = 0o177;

/** The Unix socket over which operators reach a running system. */
export class ReplSocket {
  /** Where it listens. */
  readonly path: string;
  readonly #options: PromptOptions;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #prompts = new Set<Prompt>();

  private constructor(path: string, options: PromptOptions) {
    this.path = path;
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /**
   * Listens at `path` with mode 0600. The file of a process that was killed is replaced.
   * @throws CommandError in one line that names the path, when it cannot.
   */
  static async listen(path: string, options: PromptOptions): Promise<ReplSocket> {
    await clearSocketFile(path);
    const socket = new ReplSocket(path, options);
    const umask = process.umask(socketUmask);
    try {
      // The file is made within this call, so that no other one is made under that umask.
      socket.#server.listen(path);
    } finally {
      process.umask(umask);
    }
    try {
      await once(socket.#server, "listening");
    } catch (error) {
      throw new CommandError(`${path}: cannot listen there: ${toErrorRecord(error).message}`);
    }
    return socket;
  }

  /** Ends all sessions and removes the file. */
  async close(): Promise<void> {
    for (const prompt of this.#prompts) prompt.close();
    for (const socket of this.#open) socket.destroySoon();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  #accept(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    // A client that went away needs no answer.
    socket.on("error", () => socket.destroy());
    let received: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer | string): void => {
      received = Buffer.concat([received, Buffer.from(chunk as Buffer)]);
      const end = received.indexOf(0x0a);
      if (end === -1 && received.length <= maxOpeningBytes) return;
      socket.off("data", onData);
      socket.pause();
      if (end === -1 || end > maxOpeningBytes) {
        answer(socket, refusal(`expected a first line of at most ${maxOpeningBytes} bytes`));
        return;
      }
      const rest = received.subarray(end + 1);
      if (rest.length > 0) socket.unshift(rest);
      this.#serve(socket, parseOpening(received.toString("utf8", 0, end)));
    };
    socket.on("data", onData);
    socket.once("end", () => {
      if (socket.listeners("data").includes(onData)) {
        answer(socket, refusal("expected a first line, received the end"));
      }
    });
  }

  #serve(socket: Socket, opening: Opening | { readonly fault: string }): void {
    if ("fault" in opening) {
      answer(socket, refusal(opening.fault));
    } else if (opening.mode === "command") {
      void runCommand(this.#options.table, opening.name, opening.args).then((result) =>
        answer(socket, result),
      );
    } else {
      this.#prompt(socket, opening.terminal, opening.columns);
    }
  }

  #prompt(socket: Socket, terminal: boolean, columns: number): void {
    // What readline takes for the width of the terminal.
    Object.assign(socket, { columns });
    const prompt = new Prompt({ input: socket, output: socket, terminal }, this.#options);
    this.#prompts.add(prompt);
    socket.once("close", () => prompt.close());
    void prompt.closed.then(() => {
      this.#prompts.delete(prompt);
      socket.end();
    });
  }
}

/** Carries out a command as its caller would see it; never rejects. */
export async function runCommand(
  table: CommandTable,
  name: string,
  args: readonly unknown[],
): Promise<Answer> {
  try {
    const { run, format } = table.get(name);
    const value = await run(...args);
    const text = format === undefined ? inspect(value, { depth: 6 }) : format(value as never);
    return { ok: true, value: value ?? null, text };
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    return refusal(code === "" ? message : `${code}: ${message}`);
  }
}

function refusal(error: string): Answer {
  return { ok: false, error };
}

function answer(socket: Socket, result: Answer): void {
  socket.end(encodeAnswer(result));
  // Whatever else the client says is of no interest, but keeps its end from being heard.
  socket.resume();
}
