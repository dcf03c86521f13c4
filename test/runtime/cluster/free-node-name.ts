import { claimPort } from "../../../runtime/cluster/index.ts";

/** A name for a node on a port of this machine that nobody has. */
export async function freeNodeName(alias: string): Promise<string> {
  return `${alias}@127.0.0.1:${await claimPort("127.0.0.1", 0)}`;
}
