import { type FunConfig, isMap, isName, printReceived } from "../registry/index.ts";
import type { Request } from "../request/index.ts";
import { failureResponse, type Response, successResponse } from "../request/index.ts";
import { changeConfig } from "./hook-config.ts";
import type { HookRequest } from "./hook-request.ts";

/** What a beforeExecute hook has decided; a refusal's code and message are for the client. */
export type BeforeVerdict =
  | { readonly ok: true; readonly request: Request; readonly config: FunConfig }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** What a hook returned that is none of the things it may return; for the log. */
export interface Nonsense {
  readonly nonsense: string;
}

/** The code of what a hook refuses, unless it says another one. */
export const HOOK_REJECTED = "hook_rejected";

/** The message of a refusal without a text of its own. */
export const REJECTED_MESSAGE = "hook rejected";

/**
 * What a beforeExecute hook means by `value`: nothing or null lets the request go on, `{request?,
 * config?}` changes it (of the request its `args` alone), `{error: text}` refuses it with that text,
 * false without one. `seen` is the request as the hook got it.
 */
export function decideBefore(
  value: unknown,
  request: Request,
  config: FunConfig,
  seen: HookRequest,
): BeforeVerdict | Nonsense {
  if (value === undefined || value === null) return { ok: true, request, config };
  if (value === false) return rejected(REJECTED_MESSAGE);
  const given = selectFields(value, ["request", "config", "error"]);
  if (given === null) return strange("{request?, config?}, {error: text}, false or nothing", value);
  const { error, request: requestChange, config: configChange } = given;
  if (error !== undefined) {
    if (requestChange !== undefined || configChange !== undefined) {
      return { nonsense: "expected either an error or changes, got both" };
    }
    return isText(error) ? rejected(error) : strange("a text for error", error);
  }
  const args = requestChange === undefined ? request.args : selectArgs(requestChange, seen);
  if (args === null) return strange("a request in which args alone is changed", requestChange);
  const isSame = args === request.args || args === seen.args;
  const changed = isSame ? request : { ...request, args };
  if (configChange === undefined) return { ok: true, request: changed, config };
  if (!isPlain(configChange)) return strange("a map of config fields", configChange);
  const parsed = changeConfig(config, configChange);
  return parsed.ok
    ? { ok: true, request: changed, config: parsed.config }
    : { nonsense: parsed.reason };
}

/**
 * The Response that an afterExecute hook means by `value`: nothing or null keeps it, `{result}` makes
 * it a success, `{error: text, code?}` a failure; one that was a failure keeps its code unless it is
 * given another. `request_id`, `async` and `has_more` stay as they are.
 */
export function decideAfter(value: unknown, response: Response): Response | Nonsense {
  if (value === undefined || value === null) return response;
  const given = selectFields(value, ["result", "error", "code"]);
  const expected = "{result}, {error: text, code?} or nothing";
  if (given === null) return strange(expected, value);
  const { request_id, async, has_more } = response;
  const { error, code } = given;
  if (Object.hasOwn(given, "result")) {
    if (error !== undefined || code !== undefined) return strange(expected, value);
    return { ...successResponse(request_id, given["result"]), async, has_more };
  }
  if (!isText(error) || (code !== undefined && !isName(code))) return strange(expected, value);
  if (code === undefined && !response.success) return { ...response, error };
  return { ...failureResponse(request_id, code ?? HOOK_REJECTED, error), async, has_more };
}

/** Whether what was decided is that nothing can be made of it. */
export function isNonsense(decided: object): decided is Nonsense {
  return Object.hasOwn(decided, "nonsense");
}

function rejected(message: string): BeforeVerdict {
  return { ok: false, code: HOOK_REJECTED, message };
}

function strange(expected: string, got: unknown): Nonsense {
  return { nonsense: `expected ${expected}, got ${printReceived(got)}` };
}

/** The new arguments; null when there are none, or more than they would change. */
function selectArgs(change: unknown, seen: HookRequest): Record<string, unknown> | null {
  if (!isPlain(change) || !isMap(change["args"])) return null;
  for (const [name, value] of Object.entries(change)) {
    if (name === "args" || value === undefined) continue;
    if (!Object.hasOwn(seen, name) || value !== seen[name as keyof HookRequest]) return null;
  }
  return change["args"];
}

/** The fields of a plain map that has no others; null when it is something else. */
function selectFields(value: unknown, names: readonly string[]): Record<string, unknown> | null {
  if (!isPlain(value)) return null;
  return Object.keys(value).every((name) => names.includes(name)) ? value : null;
}

/** An error, a Map or a response object would else be taken for a map in which nothing is said. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (!isMap(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
