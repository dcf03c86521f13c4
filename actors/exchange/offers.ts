import { hash } from "node:crypto";
import type { FunConfig } from "../registry/index.ts";
import { registryKey } from "../registry/index.ts";
import type { ServiceOffer } from "./service-report.ts";

/** An offer of this node, whose configs are known to be good. */
export type OwnOffer = ServiceOffer & { readonly configs: readonly FunConfig[] };

/**
 * What a node offers of its services `own`, by their names: what its registry says of them, with
 * all that operators have changed. The states of a service have one version when they are called
 * alike; `nameOf` gives the name that the module of a config has on every node.
 */
export function encodeOffers(
  configs: Iterable<FunConfig>,
  own: ReadonlySet<string>,
  nameOf: (module: string) => string,
): ReadonlyMap<string, OwnOffer> {
  const ofServices = Map.groupBy(configs, ({ service }) => service);
  const offers = new Map<string, OwnOffer>();
  for (const [service, all] of ofServices) {
    if (!own.has(service)) continue;
    const offered = all
      .map((config) => ({ ...config, mfa: { ...config.mfa, module: nameOf(config.mfa.module) } }))
      .sort((one, other) => (registryKey(one) < registryKey(other) ? -1 : 1));
    offers.set(service, { service, version: encodeVersion(offered), configs: offered });
  }
  return offers;
}

/** The versions alone, by service. */
export function selectVersions(offers: ReadonlyMap<string, OwnOffer>): Record<string, string> {
  return Object.fromEntries(
    Array.from(offers.values(), ({ service, version }) => [service, version]),
  );
}

const shapes = new WeakMap<FunConfig, string>();

/** A text that two configs have in common exactly when they differ in nothing but their nodes. */
export function encodeShape(config: FunConfig): string {
  let shape = shapes.get(config);
  if (shape === undefined) {
    shape = encodeSorted({ ...config, nodes: null });
    shapes.set(config, shape);
  }
  return shape;
}

/** A text that two configs have in common exactly when they are equal. */
export function encodeConfig(config: FunConfig): string {
  return `${encodeSorted(config.nodes)} ${encodeShape(config)}`;
}

const versionLength = 16;

function encodeVersion(configs: readonly FunConfig[]): string {
  return hash("sha256", configs.map(encodeConfig).join("\n"), "hex").slice(0, versionLength);
}

/** JSON whose objects have their keys in order, so that equal values have equal texts. */
function encodeSorted(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([one], [other]) => (one < other ? -1 : 1)))
      : inner,
  );
}
