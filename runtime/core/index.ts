export * from "./address.ts";
export * from "./clock.ts";
export * from "./deadline-wheel.ts";
export * from "./errors.ts";
export * from "./exit-reason.ts";
export * from "./log.ts";
export * from "./random.ts";
export * from "./table.ts";
