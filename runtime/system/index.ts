export * from "./shutdown.ts";
export * from "./system.ts";
export * from "./tree.ts";
