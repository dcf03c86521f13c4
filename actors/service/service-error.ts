import { ReplyError } from "#runtime";

/**
 * What a function throws to tell its client why it did not do what was asked: code and message reach
 * the client as they are. Everything else that is thrown reaches it as `Internal Server Error`.
 */
export class ServiceError extends ReplyError {
  /** `code` is stable and for programs, such as `not_found`; `message` is for people. */
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, cause);
    this.name = "ServiceError";
  }
}
