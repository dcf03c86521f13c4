import { once } from "node:events";
import type { ClientOptions } from "ws";
import { Client } from "./client.ts";

/** The status and body of an upgrade that is refused. */
export async function refusedUpgrade(
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<{ status: number; body: string }> {
  const client = new Client(url, protocols, options);
  const [, response] = await once(client.ws, "unexpected-response");
  response.setEncoding("utf8");
  let body = "";
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body: body.trim() };
}
