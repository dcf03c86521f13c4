export * from "./control.ts";
export * from "./label-memory.ts";
export * from "./link.ts";
export * from "./link-counters.ts";
export * from "./watchdog.ts";
export * from "./worker-thread.ts";
