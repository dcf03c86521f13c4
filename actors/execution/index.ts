export {
  type CallChanges,
  type CallOptions,
  type CallTerms,
  parseCallOptions,
  type Select,
} from "./call-changes.ts";
export { callFunction } from "./call-function.ts";
export { chatServiceName, clusterGroup, serviceGroup, serviceName } from "./callable.ts";
export { Executor, type ExecutorOptions, executorOf } from "./executor.ts";
export type { Outcome } from "./outcome.ts";
export type { ExecuteOptions } from "./run.ts";
export { type RuntimeSettings, settingsTable, type TracedFunction } from "./settings.ts";
