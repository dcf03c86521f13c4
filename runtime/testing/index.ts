export * from "./manual-clock.ts";
export * from "./probe.ts";
export * from "./step-scheduler.ts";
export * from "./test-kernel.ts";
