import { NoSystemError, TroupeError } from "#runtime";

/**
 * What went wrong, in one line, with what a user can do about it where that is known. Faults that
 * stand on lines of their own are parted by semicolons.
 */
export function encodeFailure(error: Error): string {
  return describe(error)
    .replaceAll(/:\s*\n\s*/g, ": ")
    .replaceAll(/\s*\n\s*/g, "; ");
}

function describe(error: Error): string {
  if (error instanceof NoSystemError) {
    const remedy = '"npx troupe start" starts one, --port or --socket names another';
    return `no gateway runs at ${error.path}: ${remedy}`;
  }
  if (error instanceof TroupeError && error.code === "port_taken") {
    // That of a node is an address, `127.0.0.1:9100`.
    if (!error.message.startsWith("port ")) {
      return `${error.message}: give the node another address with --name`;
    }
    return `${error.message}: name another one with --port; --port 0 takes a free one`;
  }
  return error.message;
}
