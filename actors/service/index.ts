export { provideAuthorImports } from "./author-imports.ts";
export { type CallScope, currentContext } from "./call-scope.ts";
export {
  type ArgumentsOf,
  DefinedFunction,
  defineFunction,
  defineService,
  type FunctionOptions,
  type FunctionSpec,
  type MethodSpec,
  type PlainHandler,
  type PositionalSpec,
  ServiceDefinition,
  type ServiceOptions,
  serviceOf,
} from "./define-service.ts";
export { type FunctionFile, type FunctionFileInfo, functionFilesTable } from "./function-file.ts";
export { HandlerContext, handlerContext } from "./handler-context.ts";
export { Loader, type LoaderOptions, loaderName } from "./loader.ts";
export { type RemoteFunction, type RemoteService, remote } from "./remote.ts";
export { encodeRequestInfo, type RequestInfo, type StreamHandle } from "./request-info.ts";
export { servicesName } from "./service-children.ts";
export { ServiceError, toServiceError } from "./service-error.ts";
export { importFunctions, type ServiceFunction } from "./service-functions.ts";
export {
  encodeFunctionName,
  type ServiceInfo,
  type ServiceRecord,
  servicesTable,
} from "./service-record.ts";
export { listTargets } from "./target-modules.ts";
export { ThreadCaller, threadCallerPrefix } from "./thread-caller.ts";
