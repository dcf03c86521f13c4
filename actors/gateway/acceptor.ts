import { type ActorContext, TroupeError, toErrorRecord } from "#runtime";
import { ChannelAcceptor } from "../channel/index.ts";
import { executorOf } from "../execution/index.ts";
import {
  type ArgumentTypes,
  type FunConfig,
  isObjectSchema,
  registryName,
  registryTable,
} from "../registry/index.ts";
import { groupStarter } from "../relay/index.ts";
import { provideAuthorImports, servicesName } from "../service/index.ts";
import type { GatewayConfig } from "./config.ts";
import type { HomePage, ListedFunction } from "./home-page.ts";
import { answerHttp } from "./http.ts";
import { troupeVersion } from "./version.ts";

/**
 * The acceptor of the gateway: its sessions call services, its pages tell which there are. It brings
 * the listeners of telemetry to its thread.
 */
export class Acceptor extends ChannelAcceptor {
  static override readonly source: string = import.meta.url;

  readonly #telemetry: readonly string[];

  constructor(config: GatewayConfig) {
    const { detailError } = config;
    super(config, {
      executorOf: (context) => executorOf(context, { detailError }),
      answerHttp(request, response, context) {
        const home = (): HomePage => describeGateway(context, config);
        answerHttp(request, response, { ready: isReady(context), home });
      },
      startGroups: groupStarter(config.relay),
    });
    this.#telemetry = config.telemetry;
  }

  protected override async init(): Promise<void> {
    // Hooks and listeners lie wherever their authors keep them.
    provideAuthorImports();
    for (const module of this.#telemetry) await importListener(module);
    await super.init();
  }
}

/** @throws TroupeError `load_failed`, which names the module. */
async function importListener(module: string): Promise<void> {
  try {
    await import(module);
  } catch (error) {
    const what = `telemetry: cannot load ${module}: ${toErrorRecord(error).message}`;
    throw new TroupeError("load_failed", what, error);
  }
}

/** Whether this thread knows where the registry and the services are. */
function isReady(context: ActorContext): boolean {
  return context.whereis(registryName) !== undefined && context.whereis(servicesName) !== undefined;
}

function describeGateway(context: ActorContext, config: GatewayConfig): HomePage {
  const { name, channels, demo } = config;
  const entries = context.table<FunConfig>(registryTable).entries();
  const functions = Array.from(entries, ([, entry]) => describeFunction(entry));
  return { name, version: troupeVersion, channels, functions, demo };
}

function describeFunction(entry: FunConfig): ListedFunction {
  const { service, requestType, version, disabled, argTypes } = entry;
  return { service, requestType, version, disabled, args: selectArgumentNames(argTypes) };
}

function selectArgumentNames(argTypes: ArgumentTypes): string[] {
  if (argTypes === null) return [];
  return Object.keys(isObjectSchema(argTypes) ? (argTypes.properties ?? {}) : argTypes);
}
