/** The same function with every check and with none, a slow one, and a stream. */
import { setTimeout as sleep } from "node:timers/promises";
import { defineFunction, defineService, type ServiceDefinition } from "#actors";

const argOrders = ["id", "name", "count", "active", "tags"];

function echo(id: string): string {
  return id;
}

const service: ServiceDefinition = defineService("pipeline_service", {
  unchecked: defineFunction({
    argTypes: { id: "any", name: "any", count: "any", active: "any", tags: "any" },
    argOrders,
    handler: echo,
  }),
  checked: defineFunction({
    argTypes: {
      id: "uuid",
      name: { type: "string", maxBytes: 64 },
      count: "num",
      active: "boolean",
      tags: { type: "list_string", maxItems: 10, maxItemBytes: 32 },
    },
    argOrders,
    checkPermission: { role: ["admin", "bench"] },
    handler: echo,
  }),
  slow: {
    responseType: "async",
    timeout: 60_000,
    handler: (_args, { signal }) => sleep(1_000, "slow", { signal }),
  },
  chunks: {
    responseType: "stream",
    async *handler() {
      for (let index = 0; index < 1_000; index += 1) yield { index, text: "chunk" };
    },
  },
});

export default service;
