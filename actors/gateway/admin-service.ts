import { Actor, type ActorRef, ReplyError } from "#runtime";
import { decidePushToken } from "../exchange/index.ts";
import { type RuntimeSettings, serviceGroup } from "../execution/index.ts";
import { type Limits, limitsName } from "../limits/index.ts";
import { type Registry, registryName } from "../registry/index.ts";
import type { CallInfo } from "../request/index.ts";
import { adminServiceName, encodeAdminConfigs } from "./admin-functions.ts";
import { type AdminAction, decideAdmin } from "./admin-gate.ts";
import { type Settings, settingsName } from "./settings.ts";

/** What the admin service is given. */
export interface AdminOptions {
  readonly actions: readonly AdminAction[];
  /** Null: pushing needs the role alone. */
  readonly pushToken: string | null;
}

type Entries = readonly Readonly<Record<string, unknown>>[];

/** Lists of limits; one that is left out stays as it is. */
interface LimitLists {
  readonly globalLimits?: Entries;
  readonly global_limits?: Entries;
  readonly apiLimits?: Entries;
  readonly api_limits?: Entries;
}

/**
 * What administrators do to a running gateway, as functions for clients with the role `admin`. The
 * actor registers those that are allowed; the others are not there for anybody, and refuse should a
 * message reach them.
 */
export class AdminService extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #options: AdminOptions;

  constructor(options: AdminOptions) {
    super();
    this.#options = options;
  }

  protected override async init(): Promise<void> {
    const configs = encodeAdminConfigs(this.#options.actions);
    await this.#find<Registry>(registryName).ask.replace(adminServiceName, configs);
    this.context.groups.join(serviceGroup(adminServiceName));
  }

  /** Adds functions, all or none. @throws ReplyError `permission_denied`, `invalid_config`. */
  async push_config(
    { configs, token }: { readonly configs: Entries; readonly token?: string },
    info: CallInfo,
  ): Promise<{ readonly added: number }> {
    const { pushToken } = this.#options;
    this.#admit("push_config", info);
    if (pushToken !== null && !decidePushToken(token, pushToken)) {
      throw new ReplyError("permission_denied", "the push token is wrong");
    }
    const origin = { source: "push", node: "local" } as const;
    const added = await this.#ask(this.#find<Registry>(registryName).ask.batchAdd(configs, origin));
    return { added };
  }

  /** Replaces the global limits, those of APIs, or both. @throws ReplyError `invalid_limit`. */
  async update_rate_limit_config(
    lists: LimitLists,
    info: CallInfo,
  ): Promise<{ readonly limits: number }> {
    this.#admit("update_rate_limit_config", info);
    const global = lists.globalLimits ?? lists.global_limits;
    const apis = lists.apiLimits ?? lists.api_limits;
    const fault = decideLimitsFault(global ?? [], apis ?? []);
    if (fault !== null) throw new ReplyError("invalid_limit", fault);
    const limits = this.#find<Limits>(limitsName);
    const { rules } = await this.#ask(limits.ask.config());
    const all = [
      ...(global ?? rules.filter(({ service }) => service === null)),
      ...(apis ?? rules.filter(({ service }) => service !== null)),
    ];
    return { limits: await this.#ask(limits.ask.replace(all)) };
  }

  /** Tells clients the details of unexpected errors, or not. */
  async change_detail_error(
    { enabled }: { readonly enabled: boolean },
    info: CallInfo,
  ): Promise<{ readonly detail_error: boolean }> {
    this.#admit("change_detail_error", info);
    const settings = await this.#ask(this.#settings().changeDetailError(enabled));
    return { detail_error: settings.detailError ?? false };
  }

  /** Traces a function, a service, or everything. */
  async enable_tracing(
    { service, request_type }: { readonly service?: string; readonly request_type?: string },
    info: CallInfo,
  ): Promise<unknown> {
    this.#admit("enable_tracing", info);
    const asked = this.#settings().enableTracing(service ?? null, request_type ?? null);
    return encodeTracing(await this.#ask(asked));
  }

  /** Traces nothing any more. */
  async disable_tracing(_args: object, info: CallInfo): Promise<unknown> {
    this.#admit("disable_tracing", info);
    return encodeTracing(await this.#ask(this.#settings().disableTracing()));
  }

  /** Both what is allowed and what is refused is an operator's to know. */
  #admit(action: AdminAction, { userId, userRoles }: CallInfo): void {
    const decision = decideAdmin(action, this.#options.actions, userRoles);
    this.context.log(decision.ok ? "info" : "warn", "admin action", {
      ...{ action, userId, allowed: decision.ok },
    });
    if (!decision.ok) throw new ReplyError(decision.code, decision.message);
  }

  #settings(): ActorRef<Settings>["ask"] {
    return this.#find<Settings>(settingsName).ask;
  }

  #find<A>(name: string): ActorRef<A> {
    const ref = this.context.whereis(name);
    if (ref !== undefined) return ref as ActorRef<A>;
    throw new ReplyError("unavailable", `the ${name} is not running at the moment`);
  }

  /** What another actor refuses is the client's to know; its death is no fault of this one. */
  async #ask<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof ReplyError) throw error;
      throw new ReplyError("unavailable", "the gateway could not do it at the moment", error);
    }
  }
}

/** A limit of an API that names none would hold for all of them. */
function decideLimitsFault(global: Entries, apis: Entries): string | null {
  const names = (limit: Readonly<Record<string, unknown>>): boolean =>
    (limit["service"] ?? limit["requestType"] ?? limit["request_type"] ?? null) !== null;
  const stray = global.findIndex(names);
  if (stray >= 0) return `globalLimits[${stray}].service: expected none, the limit being global`;
  const nameless = apis.findIndex((limit) => !names(limit));
  return nameless < 0 ? null : `apiLimits[${nameless}].service: expected the API to limit`;
}

function encodeTracing({ tracing = [] }: RuntimeSettings): unknown {
  return {
    tracing: tracing.map(({ service, requestType }) => ({ service, request_type: requestType })),
  };
}
