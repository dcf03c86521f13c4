import { Actor, type ActorRef, ReplyError, type TableWriter, toErrorRecord } from "#runtime";
import { telemetry } from "../diagnostics/index.ts";
import { trustedModulesTable } from "../hooks/index.ts";
import {
  type FunConfig,
  isName,
  type Registry,
  registryName,
  tellRefusals,
} from "../registry/index.ts";
import { keepChanges, mergeReports } from "./merge.ts";
import { byKey, parseOffer } from "./offer-check.ts";
import { encodeConfig } from "./offers.ts";
import { OwnServices } from "./own-services.ts";
import { decidePushToken } from "./push-token.ts";
import {
  type OfferSource,
  reportKey,
  reportsTable,
  type ServiceOffer,
  type ServiceReport,
} from "./service-report.ts";
import {
  type PushOutcome,
  type ServiceStatus,
  selectServicesStatus,
  type Verification,
} from "./status.ts";

/** The registered name of the {@link Receiver}. */
export const receiverName = "receiver";

/** Who says something of a node's services, and by which way. */
export interface Sender {
  /** The name of the node whose services they are. */
  readonly node: string;
  readonly token: string | null;
  readonly source: OfferSource;
}

/** What changed in one moment is looked at together, ms. */
const settleMs = 50;
/** Before what could not be registered is tried again, ms. */
const retryMs = 500;
/** What was refused may have been so for reasons that lie here, and can be mended, ms. */
const refusalMs = 300_000;
/** Most services of a node. */
const maxServices = 10_000;

/**
 * Takes what other nodes offer, whether they push it or it is fetched, and registers it here: each
 * function with the nodes that offer it. What a node has offered stays when the node is lost, for it
 * may come back; it goes when the node itself says so. A service that is loaded on this node is this
 * node's own: what others offer of it is kept, and counts from when it is not loaded here any more.
 * A receiver that is restarted goes on from its table.
 */
export class Receiver extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #token: string | null;
  readonly #reports: TableWriter<ServiceReport> = this.context.writeTable(reportsTable);
  readonly #own = new OwnServices(this.context);
  readonly #unfollow: (() => void)[] = [];
  /** What was registered, by service and key; a service that is this node's own has nothing here. */
  readonly #written = new Map<string, ReadonlyMap<string, FunConfig>>();
  /** When each report was last found to be true, by its key in the table. */
  readonly #confirmedAt = new Map<string, number>();
  /** What was refused, by key; it is not asked for again until it changes or some time has passed. */
  readonly #refused = new Map<string, { readonly version: string; readonly until: number }>();
  #order = 0;
  #isPending = false;

  /** `token`: what whoever pushes has to know; null: nothing. */
  constructor(token: string | null) {
    super();
    this.#token = token;
  }

  protected override init(): void {
    for (const [, { order, service }] of this.#reports.entries()) {
      this.#order = Math.max(this.#order, order);
      this.#written.set(service, this.#merge(service));
    }
    const later = (): void => this.#applyLater(settleMs);
    this.#unfollow.push(this.#own.onChange(later), this.context.nodes.onChange(later));
    if (this.#written.size > 0) later();
  }

  protected override terminate(): void {
    for (const unfollow of this.#unfollow) unfollow();
  }

  /**
   * A node tells all its services with their versions: what it does not name it offers no more.
   * Returns those whose functions are not known here in that version.
   * @throws ReplyError `permission_denied`, `invalid_request`, `unavailable`.
   */
  async announce(sender: Sender, versions: Readonly<Record<string, string>>): Promise<string[]> {
    const { node } = sender;
    this.#admit(sender);
    const names = Object.keys(versions);
    if (names.length > maxServices) {
      throw new ReplyError("invalid_request", `expected at most ${maxServices} services`);
    }
    for (const { service } of this.#reportsOf(node)) {
      if (!Object.hasOwn(versions, service)) await this.#drop(node, service);
    }
    return names.filter((service) => {
      const key = reportKey(node, service);
      const isKnown = this.#reports.get(key)?.version === versions[service];
      if (isKnown) this.#confirmedAt.set(key, this.#now());
      const refusal = this.#refused.get(key);
      const isRefused =
        refusal !== undefined &&
        refusal.version === versions[service] &&
        this.#now() < refusal.until;
      return !isKnown && !isRefused;
    });
  }

  /**
   * A node offers a service. What is known here in that version is `unchanged`, unless `force`.
   * @throws ReplyError `permission_denied`, `invalid_request`, `unavailable`: it is to be tried again.
   */
  async push(sender: Sender, offer: ServiceOffer, force = false): Promise<PushOutcome> {
    this.#admit(sender);
    const { service, version } = offer;
    if (!isName(service) || !isName(version)) {
      throw new ReplyError("invalid_request", "service, version: expected names");
    }
    const outcome = await this.#take(sender, offer, force);
    const key = reportKey(sender.node, service);
    if (outcome.outcome !== "refused") this.#refused.delete(key);
    else this.#refused.set(key, { version, until: this.#now() + refusalMs });
    this.#tell(sender, offer, outcome);
    return outcome;
  }

  /** Whether a version of a service is the one that is known, of a node or in all. */
  verify(service: string, version: string, node: string | null = null): Verification {
    const reports = this.#reportsFor(service).filter((one) => node === null || one.node === node);
    if (reports.length === 0) return "not_found";
    return reports.every((report) => report.version === version) ? "matched" : "mismatch";
  }

  /** Forgets a node that will not come back; returns of how many services. */
  async forget(node: string): Promise<number> {
    const reports = this.#reportsOf(node);
    for (const { service } of reports) await this.#drop(node, service);
    return reports.length;
  }

  /** The services that other nodes offer. */
  status(): ServiceStatus[] {
    const own = this.#own.names();
    return selectServicesStatus(
      Array.from(this.#reports.entries(), ([, report]) => report),
      this.#isUp,
      ({ node, service, receivedAt }) =>
        this.#confirmedAt.get(reportKey(node, service)) ?? receivedAt,
      (service) => own.has(service),
    );
  }

  #admit({ node, token }: Sender): void {
    if (this.#token !== null && !decidePushToken(token, this.#token)) {
      this.context.log("warn", "offer refused", { node, why: "the push token is wrong" });
      throw new ReplyError("permission_denied", "the push token is wrong");
    }
    if (!isName(node) || node === this.context.nodes.self?.name || node === "local") {
      throw new ReplyError("invalid_request", "node: expected the name of another node");
    }
  }

  async #take(sender: Sender, offer: ServiceOffer, force: boolean): Promise<PushOutcome> {
    const { node, source } = sender;
    const { service, version } = offer;
    const key = reportKey(node, service);
    const before = this.#reports.get(key);
    if (before?.version === version) this.#confirmedAt.set(key, this.#now());
    if (!force && before?.version === version) return { outcome: "unchanged" };
    const trusted = Array.from(this.context.table(trustedModulesTable).entries(), ([url]) => url);
    const parsed = parseOffer(service, offer.configs, trusted);
    if (!parsed.ok) {
      tellRefusals(this.context, { source, node }, parsed.refused);
      return { outcome: "refused", faults: parsed.faults };
    }
    if (await this.#isForeign(service)) {
      const fault = `service: functions of ${service} were registered here by other means`;
      return { outcome: "refused", faults: [fault] };
    }
    this.#order += 1;
    const { configs } = parsed;
    this.#reports.set(key, {
      ...{ service, node, version, source, configs, order: this.#order },
      receivedAt: this.#now(),
    });
    this.#confirmedAt.delete(key);
    // Everything is taken as it is offered, also what operators have changed.
    if (force) this.#written.delete(service);
    await this.#apply(service);
    return { outcome: "accepted" };
  }

  /** Whether the registry has a service that neither this actor nor a module brought. */
  async #isForeign(service: string): Promise<boolean> {
    if (this.#written.has(service) || this.#own.names().has(service)) return false;
    if (this.#reportsFor(service).length > 0) return false;
    return (await this.#ask((registry) => registry.count(service))) > 0;
  }

  async #drop(node: string, service: string): Promise<void> {
    this.#reports.delete(reportKey(node, service));
    this.#confirmedAt.delete(reportKey(node, service));
    this.#refused.delete(reportKey(node, service));
    await this.#apply(service);
  }

  /** Makes the registry's entries of a service those that the reports come to. */
  async #apply(service: string): Promise<void> {
    if (this.#own.names().has(service)) {
      // Its loader has replaced them.
      this.#written.delete(service);
      return;
    }
    const entries = this.#merge(service);
    const written = this.#written.get(service) ?? new Map<string, FunConfig>();
    if (entries.size === 0 && written.size === 0) return;
    try {
      const current = byKey(await this.#ask((registry) => registry.list(service)));
      const next = keepChanges(entries, written, current);
      if (next.length === 0) await this.#ask((registry) => registry.clear(service));
      else if (!isSame(next, current))
        await this.#ask((registry) => registry.replace(service, next));
    } catch (error) {
      this.#applyLater(retryMs);
      throw error;
    }
    if (entries.size === 0) this.#written.delete(service);
    else this.#written.set(service, entries);
  }

  #applyLater(delayMs: number): void {
    if (this.#isPending) return;
    this.#isPending = true;
    this.context.after(delayMs, () => this.#applyAll());
  }

  async #applyAll(): Promise<void> {
    this.#isPending = false;
    const services = new Set(this.#written.keys());
    for (const [, { service }] of this.#reports.entries()) services.add(service);
    for (const service of services) {
      try {
        await this.#apply(service);
      } catch (error) {
        const { message } = toErrorRecord(error);
        this.context.log("warn", "offers not registered yet", { service, error: message });
      }
    }
  }

  #merge(service: string): ReadonlyMap<string, FunConfig> {
    return mergeReports(this.#reportsFor(service), this.#isUp);
  }

  readonly #isUp = (node: string): boolean => this.context.nodes.get(node) !== undefined;

  #reportsFor(service: string): ServiceReport[] {
    const all = Array.from(this.#reports.entries(), ([, report]) => report);
    return all.filter((report) => report.service === service);
  }

  #reportsOf(node: string): ServiceReport[] {
    const all = Array.from(this.#reports.entries(), ([, report]) => report);
    return all.filter((report) => report.node === node);
  }

  async #ask<T>(ask: (registry: ActorRef<Registry>["ask"]) => Promise<T>): Promise<T> {
    const registry = this.context.whereis(registryName) as ActorRef<Registry> | undefined;
    if (registry === undefined) throw new ReplyError("unavailable", "there is no registry");
    try {
      return await ask(registry.ask);
    } catch (error) {
      throw new ReplyError("unavailable", "the registry did not answer", error);
    }
  }

  #tell({ node, source }: Sender, offer: ServiceOffer, outcome: PushOutcome): void {
    const { service, version } = offer;
    const faults = outcome.outcome === "refused" ? outcome.faults : [];
    const level = outcome.outcome === "refused" ? "warn" : "info";
    if (outcome.outcome !== "unchanged") {
      const fields = { service, node, version, source };
      this.context.log(level, `offer ${outcome.outcome}`, {
        ...fields,
        ...(faults.length === 0 ? {} : { faults: faults.slice(0, 10) }),
      });
    }
    if (source !== "push" || !telemetry.configPush.hasSubscribers) return;
    telemetry.configPush.publish({
      measurements: { count: Array.isArray(offer.configs) ? offer.configs.length : 0 },
      metadata: { service, node, version, status: outcome.outcome },
    });
  }

  #now(): number {
    return this.context.clock.wallTime();
  }
}

function isSame(next: readonly FunConfig[], current: ReadonlyMap<string, FunConfig>): boolean {
  if (next.length !== current.size) return false;
  const known = byKey(next);
  return [...current].every(([key, config]) => {
    const entry = known.get(key);
    return entry !== undefined && encodeConfig(entry) === encodeConfig(config);
  });
}
