export type { CallInfo } from "./call-info.ts";
export { type Caller, type ChannelPolicy, selectCallInfo } from "./caller.ts";
export { type ErrorCode, HANDLER_FAILED, INTERNAL_MESSAGE } from "./error-codes.ts";
export { parseRequest, type Request } from "./request.ts";
export {
  acknowledgement,
  type ChunkTemplate,
  encodeChunkTemplate,
  encodeResponse,
  failureResponse,
  type Response,
  streamEnded,
  streamOpened,
  successResponse,
} from "./response.ts";
export {
  encodeStreamFailure,
  grantMessage,
  type StreamEnd,
  type Streamed,
  type StreamOpening,
  stopMessage,
  streamedMessage,
  streamWindow,
  streamWindowChars,
} from "./stream-messages.ts";
