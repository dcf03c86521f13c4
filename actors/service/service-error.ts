import { ReplyError } from "#runtime";
import { printReceived } from "../registry/index.ts";
import { INTERNAL_MESSAGE } from "../request/index.ts";

/**
 * What a function throws to tell its client why it did not do what was asked: code and message reach
 * the client as they are. Everything else that is thrown reaches it as `Internal Server Error`.
 */
export class ServiceError extends ReplyError {
  /**
   * `code` is stable and for programs, such as `not_found`; `message` is for people. With
   * `retryAfterMs` the client is told when to come back: `retry_after_ms` of its Response.
   * @throws TypeError when one of them is empty or no string.
   */
  constructor(code: string, message: string, cause?: unknown, retryAfterMs?: number) {
    checkText("code", code);
    checkText("message", message);
    super(code, message, cause, retryAfterMs);
    this.name = "ServiceError";
  }
}

/** What a function is told that called another one, which answered with `error`. */
export function toServiceError(error: ReplyError): ServiceError {
  const { code, message, retryAfterMs } = error;
  return new ServiceError(code || "internal", message || INTERNAL_MESSAGE, error, retryAfterMs);
}

function checkText(field: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  const received = printReceived(value);
  throw new TypeError(`ServiceError.${field}: expected a non-empty string, received ${received}`);
}
