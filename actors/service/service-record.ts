import type { FunConfig } from "../registry/index.ts";

/** The table of the loaded services, by name. */
export const servicesTable = "services";

/** One loaded service. */
export interface ServiceRecord {
  readonly name: string;
  /** File URL of the module. */
  readonly source: string;
  /** The URL under which this state of the module is imported, on every thread. */
  readonly url: string;
  /** The child of the supervisor `services` that its instances live under, and their group. */
  readonly module: string;
  /** Names of the instances. */
  readonly instances: readonly string[];
  /** `request_type`, or `request_type@version`. */
  readonly functions: readonly string[];
  readonly configs: readonly FunConfig[];
  /** Milliseconds since 1970. */
  readonly loadedAt: number;
  /** `down`: its supervisor gave up; its functions answer `unavailable` until it is loaded again. */
  readonly status: "running" | "down";
  /** Why it is down. */
  readonly reason: string | null;
}

/** What the loader tells of a service. */
export type ServiceInfo = Omit<ServiceRecord, "configs">;

/** A function as lists show it: `get_user@2.0.0`. */
export function encodeFunctionName({ requestType, version }: FunConfig): string {
  return version === null ? requestType : `${requestType}@${version}`;
}
