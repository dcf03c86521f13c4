import { selectExampleArguments } from "./example-schema.ts";
import { selectExampleValue } from "./example-value.ts";
import type { FunConfig } from "./fun-config-schema.ts";
import { isObjectSchema } from "./object-schema.ts";
import type { PlainData } from "./plain-data.ts";

/** A request that a client can push on a joined channel as it is. */
export interface ExampleRequest {
  readonly event: string;
  readonly payload: {
    readonly service: string;
    readonly request_type: string;
    readonly request_id: string;
    readonly args: Readonly<Record<string, PlainData>>;
    /** Absent for an unversioned function. */
    readonly version?: string;
  };
  /** Only where no arguments were found that pass: what to do about it. */
  readonly note?: string;
}

/** The event that a channel takes requests on, unless it is configured otherwise. */
const DEFAULT_EVENT = "phoenix_gen_api";

const NOTE = "no arguments found that the schema accepts: give it examples or defaults";

/**
 * An example request for each function that is not disabled, by service. The arguments pass the
 * function's own validation, but for those with a `note`.
 */
export function exportRequests(
  configs: Iterable<FunConfig>,
  event: string = DEFAULT_EVENT,
): Record<string, ExampleRequest[]> {
  const services = new Map<string, ExampleRequest[]>();
  for (const config of configs) {
    if (config.disabled) continue;
    const requests = services.get(config.service) ?? [];
    services.set(config.service, requests);
    requests.push(encodeExample(config, event, requests.length + 1));
  }
  return Object.fromEntries(services);
}

/** The same as JSON text, indented by two spaces. */
export function encodeRequests(configs: Iterable<FunConfig>, event?: string): string {
  return JSON.stringify(exportRequests(configs, event), null, 2);
}

function encodeExample(config: FunConfig, event: string, number: number): ExampleRequest {
  const { service, requestType, version } = config;
  const args = selectArguments(config);
  const payload = {
    ...{ service, request_type: requestType, request_id: `example-${number}` },
    args: args ?? {},
    ...(version === null ? {} : { version }),
  };
  return args === null ? { event, payload, note: NOTE } : { event, payload };
}

function selectArguments({ argTypes }: FunConfig): Record<string, PlainData> | null {
  if (isObjectSchema(argTypes)) return selectExampleArguments(argTypes);
  const specs = Object.entries(argTypes ?? {});
  return Object.fromEntries(specs.map(([name, spec]) => [name, selectExampleValue(spec)]));
}
