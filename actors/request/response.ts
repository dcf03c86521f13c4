import { type ErrorCode, isRetryable } from "./error-codes.ts";

/** What a client gets for a request, as it is on the wire: the first seven fields are always there. */
export interface Response {
  readonly error: string | null;
  /** True for what precedes the final Response: an acknowledgement or a stream chunk. */
  readonly async: boolean;
  readonly success: boolean;
  /** Anything that JSON can say; undefined is null. */
  readonly result: unknown;
  readonly request_id: string;
  readonly can_retry: boolean;
  /** True while more Responses to the same request follow. */
  readonly has_more: boolean;
  /** On failures only: stable, one of `ERROR_CODES` or of a ServiceError. */
  readonly code?: string;
  /** On failures that say when to come back: whole ms. */
  readonly retry_after_ms?: number;
}

/** The JSON text, or why the result has none; then the executor answers `internal`. */
export type EncodedResponse =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** The final Response of a call that succeeded. */
export function successResponse(requestId: string, result: unknown): Response {
  return {
    error: null,
    async: false,
    success: true,
    result,
    request_id: requestId,
    can_retry: false,
    has_more: false,
  };
}

/** What precedes the final Response of an async function: it has been handed over. */
export function acknowledgement(requestId: string): Response {
  return { ...successResponse(requestId, null), async: true };
}

/** The first Response of a stream: it is open, its chunks follow. */
export function streamOpened(requestId: string): Response {
  return { ...successResponse(requestId, "init"), async: true, has_more: true };
}

/** The final Response of a stream that came to its end; `last` null: an end marker. */
export function streamEnded(requestId: string, last: unknown): Response {
  return { ...successResponse(requestId, last), async: true };
}

/** The JSON text of a stream's chunks, around the text of the chunk itself. */
export interface ChunkTemplate {
  readonly before: string;
  readonly after: string;
}

/** What all chunks of a stream have in common, made once. */
export function encodeChunkTemplate(requestId: string): ChunkTemplate {
  return {
    before: '{"error":null,"async":true,"success":true,"result":',
    after: `,"request_id":${JSON.stringify(requestId)},"can_retry":false,"has_more":true}`,
  };
}

/**
 * The final Response of a call that failed, `can_retry` by its code. `retryAfterMs` is rounded up to
 * whole, non-negative ms; one that is not finite is left out.
 */
export function failureResponse(
  requestId: string,
  code: ErrorCode | (string & {}),
  message: string,
  retryAfterMs?: number,
): Response {
  const response = {
    error: message,
    async: false,
    success: false,
    result: null,
    request_id: requestId,
    can_retry: isRetryable(code),
    has_more: false,
    code,
  };
  return Number.isFinite(retryAfterMs)
    ? { ...response, retry_after_ms: Math.max(0, Math.ceil(retryAfterMs as number)) }
    : response;
}

/**
 * The Response as JSON text. A result without a JSON form of its own (undefined, a function) is
 * null; one that JSON refuses (a bigint, a cycle, a `toJSON` that throws) is a value outcome with the
 * reason.
 */
export function encodeResponse(response: Response): EncodedResponse {
  let result: string;
  try {
    result = JSON.stringify(response.result) ?? "null";
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
  const id = JSON.stringify(response.request_id);
  if (response.success && !response.async && !response.has_more) {
    const text = `{"error":null,"async":false,"success":true,"result":${result},"request_id":${id},"can_retry":false,"has_more":false}`;
    return { ok: true, text };
  }
  let text = `{"error":${JSON.stringify(response.error)},"async":${response.async}`;
  text += `,"success":${response.success},"result":${result},"request_id":${id}`;
  text += `,"can_retry":${response.can_retry},"has_more":${response.has_more}`;
  if (response.code !== undefined) text += `,"code":${JSON.stringify(response.code)}`;
  if (response.retry_after_ms !== undefined) {
    text += `,"retry_after_ms":${response.retry_after_ms}`;
  }
  return { ok: true, text: `${text}}` };
}
