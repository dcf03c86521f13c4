import { ReplyError } from "#runtime";
import { printReceived } from "../registry/index.ts";
import { INTERNAL_MESSAGE } from "../request/index.ts";

/**
 * What a function throws to tell its client why it did not do what was asked: code and message reach
 * the client as they are. Everything else that is thrown reaches it as `Internal Server Error`.
 */
export class ServiceError extends ReplyError {
  /**
   * `code` is stable and for programs, such as `not_found`; `message` is for people.
   * @throws TypeError when one of them is empty or no string.
   */
  constructor(code: string, message: string, cause?: unknown) {
    checkText("code", code);
    checkText("message", message);
    super(code, message, cause);
    this.name = "ServiceError";
  }
}

/** What a function is told that called another one, which answered with `error`. */
export function toServiceError(error: ReplyError): ServiceError {
  const { code, message } = error;
  return new ServiceError(code || "internal", message || INTERNAL_MESSAGE, error);
}

function checkText(field: string, value: unknown): void {
  if (typeof value === "string" && value !== "") return;
  const received = printReceived(value);
  throw new TypeError(`ServiceError.${field}: expected a non-empty string, received ${received}`);
}
