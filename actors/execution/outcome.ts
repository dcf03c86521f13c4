import type { ErrorCode } from "../request/index.ts";
import { failureResponse, type Response } from "../request/index.ts";
import type { IncomingStream } from "../streams/index.ts";
import type { Run } from "./run.ts";

/** What a request has come to, so far as its push can be answered. */
export interface Outcome {
  /** The first Response, most often the only one; null where none is owed. */
  readonly response: Response | null;
  /** `error` where the request was malformed, refused unseen, or its arguments were invalid. */
  readonly status: "ok" | "error";
  /** The request type, or the message that goes with `error`. */
  readonly reply: string;
  /** The Response is for a client that gets it in the reply, and is not pushed to others. */
  readonly isSilent?: boolean;
  /** The final Response of an async function; never rejects. */
  readonly later?: Promise<Response>;
  /** The Responses that follow those of a stream's opening. */
  readonly stream?: IncomingStream;
}

/** The request was understood, and failed. */
export function failed(
  requestId: string,
  requestType: string,
  code: ErrorCode | (string & {}),
  message: string,
  retryAfterMs?: number,
): Outcome {
  const response = failureResponse(requestId, code, message, retryAfterMs);
  return { response, status: "ok", reply: requestType };
}

/** The request was not accepted as one; `reply` is what the push is answered with. */
export function refused(
  requestId: string,
  code: ErrorCode,
  message: string,
  reply: string = message,
): Outcome {
  return { response: failureResponse(requestId, code, message), status: "error", reply };
}

/** As {@link failed}, for a request on its way. */
export function refuse(
  { request }: Run,
  code: ErrorCode | (string & {}),
  message: string,
  retryAfterMs?: number,
): Outcome {
  return failed(request.requestId, request.requestType, code, message, retryAfterMs);
}
