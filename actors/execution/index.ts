export { HANDLER_FAILED } from "./call-failure.ts";
export { callFunction } from "./call-function.ts";
export type { CallInfo } from "./call-info.ts";
export { serviceGroup } from "./callable.ts";
export type { Caller, ChannelPolicy } from "./caller.ts";
export { Executor, type ExecutorOptions, executorOf } from "./executor.ts";
export { guardedFrom } from "./guarded-signal.ts";
export type { HookRequest } from "./hook-request.ts";
export { decideFunctionAccess, resolveModuleAccess, trustedModulesTable } from "./module-access.ts";
export type { Outcome } from "./outcome.ts";
export { OutgoingStream } from "./outgoing-stream.ts";
export { OutgoingStreams, type StreamLabel } from "./outgoing-streams.ts";
export { parseRequest, type Request } from "./request.ts";
export {
  type ChunkTemplate,
  encodeChunkTemplate,
  encodeResponse,
  failureResponse,
  type Response,
  successResponse,
} from "./response.ts";
export type { ExecuteOptions } from "./run.ts";
export { type RuntimeSettings, settingsTable, type TracedFunction } from "./settings.ts";
export {
  grantMessage,
  type StreamEnd,
  type StreamOpening,
  stopMessage,
  streamedMessage,
} from "./stream-messages.ts";
export { isStreamSource, pumpStream, type StreamSource } from "./stream-source.ts";
export { type IncomingStream, Streams } from "./streams.ts";
