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
  type TelemetryHandler,
} from "./attach.ts";
export { type TelemetryEvent, telemetry } from "./telemetry.ts";
