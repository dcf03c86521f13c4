export { callFunction } from "./call-function.ts";
export { serviceGroup } from "./callable.ts";
export { Executor, type ExecutorOptions, executorOf } from "./executor.ts";
export type { Outcome } from "./outcome.ts";
export { type RuntimeSettings, settingsTable, type TracedFunction } from "./settings.ts";
