import type { Socket } from "node:net";

/**
 * Resets a connection: the other side hears ECONNRESET. One that has been ended from here is closed
 * instead: in Node 26 a reset before the FIN has left does not close it, and then the process does not
 * end, but spins.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
