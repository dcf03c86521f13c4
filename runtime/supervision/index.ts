export * from "./backoff.ts";
export * from "./child-spec.ts";
export * from "./restart-intensity.ts";
export * from "./strategy.ts";
export * from "./supervisor.ts";
