import { lstatSync, unlinkSync } from "node:fs";
import { createConnection } from "node:net";
import { CommandError } from "./command.ts";

/** What stands at the path of a Unix socket. */
type SocketFileState = "free" | "stale" | "live" | "not_a_socket";

/** Looks whether somebody listens at `path`, by trying. */
async function inspectSocketFile(path: string): Promise<SocketFileState> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return "free";
  if (!file.isSocket()) return "not_a_socket";
  return new Promise((resolve) => {
    const probe = createConnection(path, () => {
      probe.destroy();
      resolve("live");
    });
    // Refused means that the file outlived its process; anything else, that it is somebody's.
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") resolve("free");
      else resolve(error.code === "ECONNREFUSED" ? "stale" : "live");
    });
  });
}

/**
 * Makes way for a socket at `path`: removes the file that a killed process left there.
 * @throws CommandError in one line when somebody listens there, or the file is no socket.
 */
export async function clearSocketFile(path: string): Promise<void> {
  const state = await inspectSocketFile(path);
  if (state === "live")
    throw new CommandError(`${path}: expected no one there, another process listens`);
  if (state === "not_a_socket")
    throw new CommandError(`${path}: expected a socket, found another file`);
  if (state === "stale") unlinkSync(path);
}
