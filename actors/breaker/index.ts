export { BreakerBoard, type BreakerRefusal } from "./breaker-board.ts";
export { type BreakerRecord, breakersName, breakersTable } from "./breaker-record.ts";
export { Breakers } from "./breakers.ts";
export { Bulkhead } from "./bulkhead.ts";
export { bulkheadsName } from "./bulkhead-address.ts";
export { BulkheadGate, type BulkheadOutcome } from "./bulkhead-gate.ts";
export { Bulkheads } from "./bulkheads.ts";
export { breakerChildren } from "./children.ts";
export type { CallOutcome } from "./circuit.ts";
export type { BulkheadLimits } from "./permit-queue.ts";
export {
  type BreakerSettings,
  breakerDefaults,
  parseBreakerSettings,
} from "./settings.ts";
