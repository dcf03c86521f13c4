export { HANDLER_FAILED } from "./call-failure.ts";
export { callFunction } from "./call-function.ts";
export type { CallInfo } from "./call-info.ts";
export { serviceGroup } from "./callable.ts";
export type { Caller } from "./caller.ts";
export {
  type ChannelPolicy,
  Executor,
  type ExecutorOptions,
  executorOf,
  type Outcome,
} from "./executor.ts";
export { parseRequest, type Request } from "./request.ts";
export { encodeResponse, failureResponse, type Response, successResponse } from "./response.ts";
