/** What a client may know of an error code. */
export interface ErrorCodeInfo {
  /** Whether the same request can succeed later, unchanged. */
  readonly canRetry: boolean;
  readonly description: string;
}

/** The codes that the gateway itself answers with; a ServiceError may bring others. */
export type ErrorCode =
  | "invalid_request"
  | "authentication_required"
  | "unsupported_function"
  | "disabled_function"
  | "hook_rejected"
  | "rate_limited"
  | "permission_denied"
  | "invalid_arguments"
  | "unavailable"
  | "circuit_open"
  | "queue_full"
  | "timeout"
  | "cancelled"
  | "outcome_unknown"
  | "internal";

/** All codes, in the order in which a request can meet them. */
export const ERROR_CODES: Readonly<Record<ErrorCode, ErrorCodeInfo>> = Object.freeze({
  invalid_request: {
    canRetry: false,
    description: "The payload is not a request: required fields are missing or ill-formed.",
  },
  authentication_required: {
    canRetry: false,
    description: "The channel serves known users only, and the socket has none.",
  },
  unsupported_function: {
    canRetry: false,
    description: "No such service, function or version is registered.",
  },
  disabled_function: {
    canRetry: false,
    description: "The function, or the version asked for, is switched off.",
  },
  hook_rejected: {
    canRetry: false,
    description: "The function's beforeExecute hook refused the request, or failed.",
  },
  rate_limited: {
    canRetry: true,
    description: "Too many requests in the window; retry_after_ms tells when there is room.",
  },
  permission_denied: {
    canRetry: false,
    description: "The user may not call this function, or not with these arguments.",
  },
  invalid_arguments: {
    canRetry: false,
    description: "An argument is missing, unknown, of the wrong type or too large.",
  },
  unavailable: {
    canRetry: true,
    description: "No instance of the service could be reached; the function did not run.",
  },
  circuit_open: {
    canRetry: true,
    description: "The function fails too often and is left alone for a while; see retry_after_ms.",
  },
  queue_full: {
    canRetry: true,
    description: "The service has more work waiting than it may; the function did not run.",
  },
  timeout: {
    canRetry: false,
    description: "The function did not answer before its deadline, and was cancelled.",
  },
  cancelled: {
    canRetry: false,
    description: "The call was stopped by the client, or because the gateway shuts down.",
  },
  outcome_unknown: {
    canRetry: false,
    description: "The service was lost after it took the request: it may have run, or not.",
  },
  internal: {
    canRetry: false,
    description: "The function failed; the details are in the gateway's log.",
  },
});

/** Whether a failure with this code may be retried as it is; false for codes of services. */
export function isRetryable(code: string): boolean {
  return Object.hasOwn(ERROR_CODES, code) && ERROR_CODES[code as ErrorCode].canRetry;
}

/** The code of a ReplyError that stands for a handler's own fault; its message is for the log. */
export const HANDLER_FAILED = "handler_failed";

/** The one message of every `internal` failure. */
export const INTERNAL_MESSAGE = "Internal Server Error";
