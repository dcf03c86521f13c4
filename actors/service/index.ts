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
export { HandlerContext, handlerContext } from "./handler-context.ts";
export { Loader, type LoaderOptions, loaderName, servicesName } from "./loader.ts";
export { ServiceError } from "./service-error.ts";
export { type ServiceInfo, type ServiceRecord, servicesTable } from "./service-record.ts";
