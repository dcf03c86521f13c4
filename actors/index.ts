/** What the author of a service needs. */
export { Actor, type ActorContext, type ActorRef, ReplyError } from "#runtime";
export type { ConnectHandler, ConnectRequest } from "./channel/index.ts";
export type { CallInfo } from "./execution/index.ts";
export type { ConfigFile } from "./gateway/index.ts";
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
  ServiceDefinition,
  ServiceError,
  type ServiceOptions,
  serviceOf,
} from "./service/index.ts";
