import { createConnection, type Socket } from "node:net";
import type { ReadStream, WriteStream } from "node:tty";
import { CommandError } from "./command.ts";
import type { Answer, Opening } from "./socket-protocol.ts";

/** There is no running system where one was expected. */
export class NoSystemError extends CommandError {
  override readonly name: string = "NoSystemError";
  /** Where its socket would be. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/**
 * Has a running system carry out a command.
 * @throws NoSystemError in one line when nobody listens at `path`; CommandError when it is not a
 * system's socket.
 */
export async function requestCommand(
  path: string,
  name: string,
  args: readonly unknown[],
): Promise<Answer> {
  const socket = await connect(path);
  open(socket, { mode: "command", name, args });
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of socket) chunks.push(chunk);
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Answer;
  } catch {
    throw new CommandError(`${path}: the system there stopped before it answered`);
  }
}

/**
 * Joins a terminal, or a pipe, to a prompt of a running system; resolves when the prompt was left.
 * @throws NoSystemError, CommandError as {@link requestCommand}.
 */
export async function attachPrompt(
  path: string,
  input: ReadStream | NodeJS.ReadStream,
  output: WriteStream | NodeJS.WriteStream,
): Promise<void> {
  const socket = await connect(path);
  const terminal = Boolean(input.isTTY && output.isTTY);
  open(socket, { mode: "repl", terminal, columns: output.columns ?? 80 });
  if (terminal) input.setRawMode(true);
  input.pipe(socket);
  socket.pipe(output, { end: false });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("end", resolve);
      socket.once("close", () => resolve());
      socket.once("error", (error) =>
        reject(new CommandError(`${path}: the connection broke: ${error.message}`)),
      );
    });
  } finally {
    if (terminal) input.setRawMode(false);
    input.unpipe(socket);
    // Else a terminal that nobody reads would keep the process alive.
    input.destroy();
    socket.destroy();
  }
}

function open(socket: Socket, opening: Opening): void {
  socket.write(`${JSON.stringify(opening)}\n`);
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => {
      socket.off("error", onError);
      resolve(socket);
    });
    const onError = (error: NodeJS.ErrnoException): void => {
      const { code = "", message } = error;
      const text = `${path}: ${connectFaults[code] ?? message}`;
      reject(absent.has(code) ? new NoSystemError(path, text) : new CommandError(text));
    };
    socket.once("error", onError);
  });
}

/** The faults of a path at which nobody is. */
const absent = new Set(["ENOENT", "ECONNREFUSED"]);

const connectFaults: Partial<Record<string, string>> = {
  ENOENT: "expected the socket of a running system, nothing is there",
  ECONNREFUSED: "expected a running system, nothing listens there any more",
  EACCES: "no permission: the system belongs to another user",
  ENOTSOCK: "expected a socket, found another file",
};
