/** What the author of a service needs, and who listens to telemetry. */
export { Actor, type ActorContext, type ActorRef, ReplyError } from "#runtime";
export type { ConnectHandler, ConnectRequest } from "./channel/index.ts";
export {
  attachAll,
  attachConfig,
  attachDefaultLogger,
  attachExecutor,
  attachHook,
  attachRateLimiter,
  attachRelay,
  attachWorkerPool,
  detachAll,
  listEvents,
  type TelemetryEvent,
  type TelemetryHandler,
} from "./diagnostics/index.ts";
export type { CallOptions, Select } from "./execution/index.ts";
export type { ConfigFile } from "./gateway/index.ts";
export type { HookRequest } from "./hooks/index.ts";
export {
  encodeRequests,
  exportRequests,
  type FunConfig,
  validateWithDetails,
} from "./registry/index.ts";
export { type GroupMessage, type GroupOptions, groups, type PageOptions } from "./relay/index.ts";
export type { CallInfo, Response } from "./request/index.ts";
export {
  type ArgumentsOf,
  DefinedFunction,
  defineFunction,
  defineService,
  type FunctionOptions,
  type FunctionSpec,
  HandlerContext,
  handlerContext,
  type MethodSpec,
  type PlainHandler,
  type PositionalSpec,
  type RemoteFunction,
  type RemoteService,
  type RequestInfo,
  remote,
  ServiceDefinition,
  ServiceError,
  type ServiceOptions,
  type StreamHandle,
  serviceOf,
} from "./service/index.ts";
