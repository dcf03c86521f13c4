import { telemetry } from "../diagnostics/index.ts";
import type { FunConfig } from "./fun-config-schema.ts";

/** Tells telemetry of a change of one entry. */
export function publishOne(
  event: "configAdd" | "configDelete" | "configDisable" | "configEnable",
  { service, requestType, version }: FunConfig,
): void {
  const channel = telemetry[event];
  if (!channel.hasSubscribers) return;
  const metadata = { service, request_type: requestType, version };
  channel.publish({ measurements: { count: 1 }, metadata });
}

/** Tells telemetry of a batch that was added; `services` are those that it has entries of. */
export function publishAdded(configs: readonly FunConfig[]): void {
  const { configBatchAdd } = telemetry;
  if (!configBatchAdd.hasSubscribers) return;
  const services = [...new Set(configs.map(({ service }) => service))];
  configBatchAdd.publish({ measurements: { count: configs.length }, metadata: { services } });
}

/** Tells telemetry that all entries of a service, or all there were, are gone. */
export function publishRemoved(service: string | null, count: number): void {
  const { configClear } = telemetry;
  if (configClear.hasSubscribers) {
    configClear.publish({ measurements: { count }, metadata: { service } });
  }
}
