export * from "./cable.ts";
export * from "./free-ports.ts";
export * from "./manual-clock.ts";
export * from "./memory-connection.ts";
export * from "./memory-transport.ts";
export * from "./probe.ts";
export * from "./step-scheduler.ts";
export * from "./test-kernel.ts";
