import { pathToFileURL } from "node:url";
import { type Ask, type Command, CommandError, type Parameter } from "#runtime";
import { type FunConfig, type Registry, registryKey, registryName } from "../registry/index.ts";
import {
  encodeFunctionName,
  type FunctionFile,
  type FunctionFileInfo,
  functionFilesTable,
} from "../service/index.ts";
import { nothingNamed, readOptionalText, readText } from "./command-arguments.ts";
import {
  formatFunctionFiles,
  formatFunctions,
  formatPath,
  formatSwitched,
} from "./function-text.ts";
import { type GatewayAccess, sortFunctions } from "./gateway-access.ts";

/**
 * What there is to do with single functions and files of them. What is changed of a function holds
 * until its service or its file is loaded again.
 */
export function functionCommands(gateway: GatewayAccess): Command[] {
  const registry = (): Ask<Registry> => gateway.find<Registry>(registryName).ask;
  const named = [gateway.serviceParameter(), gateway.functionParameter()];
  const path: Parameter = { name: "path", kind: "file" };
  const loaded = (): string[] =>
    Array.from(gateway.table<FunctionFile>(functionFilesTable).entries(), ([source]) =>
      formatPath(source),
    );
  return [
    {
      name: "functions",
      parameters: [gateway.serviceParameter(true)],
      description: "the functions that clients can call, of one service or all",
      run: async (given) => {
        const service = readOptionalText(given, "service", "the name of a service");
        return selectFunctions(await registry().list(), service);
      },
      format: formatFunctions,
    },
    {
      name: "enableFunction",
      parameters: named,
      description: "let clients call a function again",
      run: async (service, type) => {
        const config = await findFunction(registry(), service, type);
        return registry().enable(config.service, config.requestType, config.version);
      },
      format: formatSwitched,
    },
    {
      name: "disableFunction",
      parameters: named,
      description: "refuse all calls of a function: its callers hear that it is disabled",
      run: async (service, type) => {
        const config = await findFunction(registry(), service, type);
        return registry().disable(config.service, config.requestType, config.version);
      },
      format: formatSwitched,
    },
    {
      name: "deleteFunction",
      parameters: named,
      description: "take a function away: its callers hear that there is none",
      run: async (service, type): Promise<{ readonly deleted: string }> => {
        const config = await findFunction(registry(), service, type);
        await registry().delete(config.service, config.requestType, config.version);
        return { deleted: registryKey(config) };
      },
      format: ({ deleted }: { deleted: string }) => `deleted ${deleted}`,
    },
    {
      name: "functionFiles",
      parameters: [],
      description: "the loaded files of functions",
      run: () => gateway.loader().listFunctions(),
      format: formatFunctionFiles,
    },
    {
      name: "loadFunctions",
      parameters: [path],
      description: "add the functions of a JSON file, or its new state; all or none",
      run: (file) => gateway.loader().loadFunctions(readFileUrl(file)),
      format: ({ source, functions }: FunctionFileInfo) =>
        `loaded ${formatPath(source)}: ${functions.join(", ")}`,
    },
    {
      name: "unloadFunctions",
      parameters: [{ ...path, complete: loaded }],
      description: "take the functions of a JSON file away",
      run: async (file): Promise<{ readonly unloaded: string }> => {
        const source = readFileUrl(file);
        const known = loaded();
        if (!known.includes(formatPath(source))) {
          throw nothingNamed("loaded file of functions", formatPath(source), known);
        }
        await gateway.loader().unloadFunctions(source);
        return { unloaded: source };
      },
      format: ({ unloaded }: { unloaded: string }) => `unloaded ${formatPath(unloaded)}`,
    },
  ];
}

/**
 * All functions in the order of lists, or those of one service.
 * @throws CommandError when the service has none.
 */
export function selectFunctions(configs: readonly FunConfig[], service?: string): FunConfig[] {
  const sorted = sortFunctions(configs);
  if (service === undefined) return sorted;
  const own = sorted.filter((config) => config.service === service);
  if (own.length > 0) return own;
  throw nothingNamed(
    "service with functions",
    service,
    sorted.map((config) => config.service),
  );
}

/**
 * The one function that is meant, as lists name it: `get_user@2.0.0`, or `get_user` for the
 * unversioned one.
 * @throws CommandError that tells of the versions, or functions, that there are.
 */
export function selectFunction(
  configs: readonly FunConfig[],
  service: string,
  type: string,
): FunConfig {
  const own = selectFunctions(configs, service);
  const found = own.find((config) => encodeFunctionName(config) === type);
  if (found !== undefined) return found;
  const versions = own.filter(({ requestType }) => requestType === type).map(encodeFunctionName);
  if (versions.length > 0) {
    throw new CommandError(
      `type: ${service}/${type} has versions: name one of ${versions.join(", ")}`,
    );
  }
  throw nothingNamed("function", `${service}/${type}`, own.map(encodeFunctionName));
}

async function findFunction(
  registry: Ask<Registry>,
  service: unknown,
  type: unknown,
): Promise<FunConfig> {
  const name = readText(service, "service", "the name of a service");
  const requestType = readText(type, "type", "the name of a function such as get_user@2.0.0");
  return selectFunction(await registry.list(), name, requestType);
}

function readFileUrl(path: unknown): string {
  const text = readText(path, "path", "the path of a JSON file");
  return text.startsWith("file:") ? text : pathToFileURL(text).href;
}
