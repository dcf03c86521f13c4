/** What `--demo` adds: services that show every feature, each in a few lines. */

import { fileURLToPath } from "node:url";
import type { RateLimitsFile } from "./config-pipeline.ts";
import type { ChannelFile } from "./config-schema.ts";

const names = ["user", "echo", "math", "accounts", "notes", "reports", "feeds", "quotes"];
const example = (name: string): string => new URL(`../examples/${name}`, import.meta.url).href;

/** URLs of the modules, in the order in which they start. */
export const demoServices: readonly string[] = names.map((name) => example(`${name}-service.ts`));

/** Paths of the function files. */
export const demoFunctions: readonly string[] = [fileURLToPath(example("functions.json"))];

/** Who connects is what the query says. */
export const demoConnect: { readonly module: string; readonly function: string } = Object.freeze({
  module: example("connect.ts"),
  function: "connect",
});

/** Calls, and a group for each room that somebody joins. */
export const demoChannels: readonly ChannelFile[] = Object.freeze([
  { topic: "api:*", event: "api" },
  { topic: "chat:*", event: "api", group: { create: "public" } },
]);

/** Five notes a user in ten seconds, where the configuration has no limits of its own. */
export const demoRateLimits: RateLimitsFile = Object.freeze({
  apiLimits: [
    {
      ...{ service: "notes_service", requestType: "add" },
      ...{ key: "user_id", maxRequests: 5, windowMs: 10_000 },
    },
  ],
});
