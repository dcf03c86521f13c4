import Type from "typebox";
import type { HookRequest } from "../hooks/index.ts";
import type { Response } from "../request/index.ts";
import { defineService, type ServiceDefinition } from "../service/index.ts";

const notes: string[] = [];

/** Hooks, functions of the same module; and `requestInfo`. The demo limits `add` for each user. */
const service: ServiceDefinition = defineService("notes_service", {
  add: {
    args: Type.Object({ text: Type.String({ minLength: 1, maxLength: 200 }) }),
    beforeExecute: { function: "tidy", args: ["lottery"] },
    afterExecute: { function: "sign" },
    hookTimeout: 1_000,
    requestInfo: true,
    handler: ({ text }, _ctx, request) => {
      notes.splice(0, notes.length - 99);
      return { note: text, number: notes.push(text), request: request.request_id };
    },
  },
  list: () => notes,
});

export default service;

/** Before: sees what the client sent, changes it, or refuses. */
export function tidy({ args }: HookRequest, _config: unknown, banned: string): unknown {
  const text = args["text"];
  if (typeof text !== "string") return undefined;
  if (text.includes(banned)) return { error: `Notes must not be about a ${banned}` };
  return { request: { args: { ...args, text: text.trim() } } };
}

/** After: sees every Response, refusals too, and may put another result in its place. */
export function sign({ userId }: HookRequest, _config: unknown, response: Response): unknown {
  if (!response.success) return undefined;
  return { result: { ...(response.result as object), author: userId } };
}
