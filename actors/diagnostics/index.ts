export {
  attachAll,
  attachConfig,
  attachDefaultLogger,
  attachExecutor,
  attachHook,
  attachRateLimiter,
  attachWorkerPool,
  detachAll,
  listEvents,
  type TelemetryHandler,
} from "./attach.ts";
export { type TelemetryEvent, telemetry } from "./telemetry.ts";
