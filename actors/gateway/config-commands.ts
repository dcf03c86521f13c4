import { type Ask, type Command, CommandError, parseArguments, toErrorRecord } from "#runtime";
import {
  type ConfigSource,
  type ExampleRequest,
  exportRequests,
  type FailedConfigFilter,
  type FailedConfigs,
  failedConfigsName,
  registryTable,
  validateWithDetails,
} from "../registry/index.ts";
import { readOptionalText, readOptions, wrong } from "./command-arguments.ts";
import {
  type CacheStatus,
  formatCache,
  formatFailedConfigs,
  formatFailedSummary,
  formatReport,
  selectCacheStatus,
} from "./config-text.ts";
import { selectFunctions } from "./function-commands.ts";
import type { GatewayAccess } from "./gateway-access.ts";

const sources: readonly ConfigSource[] = ["pull", "push", "file", "module"];

/** How many configs were dropped. */
interface Dropped {
  readonly dropped: number;
}

/** What there is to see of configs: those that are in force, and those that were refused. */
export function configCommands(gateway: GatewayAccess): Command[] {
  const failedConfigs = (): Ask<FailedConfigs> =>
    gateway.find<FailedConfigs>(failedConfigsName).ask;
  return [
    {
      name: "cacheStatus",
      parameters: [],
      description: "what the registry holds: functions, versions, disabled ones",
      run: (): CacheStatus => {
        const { position } = gateway.table(registryTable);
        return selectCacheStatus(gateway.functions(), position);
      },
      format: formatCache,
    },
    {
      name: "validateConfig",
      parameters: [{ name: "config", kind: "json" }],
      description: "what is wrong with a FunConfig; nothing is added",
      run: (config) => validateWithDetails(readConfigInput(config)),
      format: formatReport,
    },
    {
      name: "exportRequests",
      parameters: [gateway.serviceParameter(true)],
      description: "an example request for each function, as a client pushes it",
      run: (given): Record<string, ExampleRequest[]> => {
        const service = readOptionalText(given, "service", "the name of a service");
        const event = gateway.config.channels[0]?.event;
        return exportRequests(selectFunctions(gateway.functions(), service), event);
      },
      format: (requests: Record<string, ExampleRequest[]>) => JSON.stringify(requests, null, 2),
    },
    {
      name: "failedConfigs",
      parameters: [{ name: "filter", kind: "json", optional: true }],
      description: "the configs refused of late; filter: {source?, service?, limit?}",
      run: (filter) => failedConfigs().list(readFilter(filter)),
      format: formatFailedConfigs,
    },
    {
      name: "failedConfigsSummary",
      parameters: [],
      description: "how many configs were refused, by source and service",
      run: () => failedConfigs().summary(),
      format: formatFailedSummary,
    },
    {
      name: "cleanupFailedConfigs",
      parameters: [],
      description: "drop the failed configs that are older than 24 hours",
      run: async (): Promise<Dropped> => ({ dropped: await failedConfigs().cleanup() }),
      format: formatDropped,
    },
    {
      name: "clearFailedConfigs",
      parameters: [],
      description: "drop all failed configs",
      run: async (): Promise<Dropped> => ({ dropped: await failedConfigs().clear() }),
      format: formatDropped,
    },
  ];
}

/** @throws CommandError for what no failed config could match. */
export function readFilter(given: unknown): FailedConfigFilter {
  const { source, service, limit } = readOptions(given, "filter", ["source", "service", "limit"]);
  if (source !== undefined && !sources.includes(source as ConfigSource)) {
    throw wrong("filter.source", `one of ${sources.join(", ")}`, source);
  }
  if (limit !== undefined && !(Number.isInteger(limit) && Number(limit) >= 0)) {
    throw wrong("filter.limit", "an integer of 0 or more", limit);
  }
  const name = readOptionalText(service, "filter.service", "the name of a service");
  return {
    ...(source === undefined ? {} : { source: source as ConfigSource }),
    ...(name === undefined ? {} : { service: name }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}

/** A config as an object, or as JSON text. */
function readConfigInput(given: unknown): unknown {
  if (given === undefined) throw wrong("config", "a FunConfig", given);
  if (typeof given !== "string") return parseArguments([given])[0];
  try {
    return JSON.parse(given);
  } catch (error) {
    throw new CommandError(`config: expected JSON: ${toErrorRecord(error).message}`);
  }
}

function formatDropped({ dropped }: Dropped): string {
  return `dropped ${dropped} failed ${dropped === 1 ? "config" : "configs"}`;
}
