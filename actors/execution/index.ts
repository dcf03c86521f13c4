export { HANDLER_FAILED } from "./call-failure.ts";
export { callFunction, type FunctionCall } from "./call-function.ts";
export type { CallInfo } from "./call-info.ts";
export { serviceGroup } from "./callable.ts";
export type { Caller } from "./caller.ts";
export { ERROR_CODES, type ErrorCode, type ErrorCodeInfo, isRetryable } from "./error-codes.ts";
export {
  type ChannelPolicy,
  Executor,
  type ExecutorOptions,
  executorOf,
  type Outcome,
} from "./executor.ts";
export { parseRequest, type Request, type RequestOutcome, UNKNOWN_REQUEST_ID } from "./request.ts";
export {
  type EncodedResponse,
  encodeResponse,
  failureResponse,
  type Response,
  successResponse,
} from "./response.ts";
