import { freePorts } from "../../../runtime/testing/index.ts";

/** A name for a node on a port of this machine that nobody has. */
export async function freeNodeName(alias: string): Promise<string> {
  const [port] = await freePorts(1);
  return `${alias}@127.0.0.1:${port}`;
}
