import { encodeOffers, type OwnOffer } from "../../../actors/exchange/offers.ts";
import type { ServiceReport } from "../../../actors/exchange/service-report.ts";
import { serviceName } from "../../../actors/execution/callable.ts";
import { parseFunConfig } from "../../../actors/registry/fun-config.ts";
import type { FunConfig } from "../../../actors/registry/fun-config-schema.ts";

/** The functions of `users`, each with what it says beside its name. */
export function configsOf(
  functions: Readonly<Record<string, object>>,
  service = "users",
): FunConfig[] {
  return Object.entries(functions).map(([requestType, fields]) => {
    const mfa = { module: service, function: requestType };
    const outcome = parseFunConfig({ service, requestType, mfa, ...fields });
    if (!outcome.ok) throw new Error(outcome.faults.join("\n"));
    return outcome.config;
  });
}

/** What a node that has these functions offers. */
export function offerOf(functions: Readonly<Record<string, object>>, service = "users"): OwnOffer {
  const offers = encodeOffers(configsOf(functions, service), new Set([service]), serviceName);
  const offer = offers.get(service);
  if (offer === undefined) throw new Error(`nothing is offered of ${service}`);
  return offer;
}

/** The report that a receiver makes of such an offer. */
export function reportOf(
  node: string,
  order: number,
  functions: Readonly<Record<string, object>>,
): ServiceReport {
  const { service, version, configs } = offerOf(functions);
  return { service, version, configs, node, order, source: "push", receivedAt: order };
}
