import { lookup, resolveSrv } from "node:dns/promises";
import { type Clock, type Log, type Timer, toErrorRecord } from "../core/index.ts";
import type { Discovery } from "./discovery.ts";
import { type DnsQuery, selectNodeNames } from "./join-target.ts";

/** How long after an answer DNS is asked again, ms. */
const pollMs = 30_000;

/** What is asked of DNS. Both reject when there is no answer. */
export interface DnsResolver {
  /** The IPv4 addresses of a host. */
  addresses(host: string): Promise<readonly string[]>;
  /** The targets of an SRV record. */
  services(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>;
}

/** Asks as the machine is set up to: addresses with hosts file and search domains. */
export const systemResolver: DnsResolver = {
  async addresses(host) {
    const found = await lookup(host, { all: true, family: 4 });
    return found.map(({ address }) => address);
  },
  services: (name) => resolveSrv(name),
};

/**
 * Nodes by DNS: every address of a host, such as that of a headless service, or every target of an
 * SRV record. Asked at the start and again every 30 s. When there is no answer the last one holds.
 */
export class DnsDiscovery implements Discovery {
  readonly source: string;
  readonly #query: DnsQuery;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #resolver: DnsResolver;
  #timer: Timer | null = null;
  #isStopped = false;
  /** Of the last failure; null after an answer. Each is logged once. */
  #failure: string | null = null;

  constructor(query: DnsQuery, clock: Clock, log: Log, resolver: DnsResolver) {
    this.source = formatQuery(query);
    this.#query = query;
    this.#clock = clock;
    this.#log = log;
    this.#resolver = resolver;
  }

  start(found: (names: readonly string[]) => void): void {
    void this.#poll(found);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #poll(found: (names: readonly string[]) => void): Promise<void> {
    try {
      const names = await this.#ask();
      if (this.#isStopped) return;
      this.#failure = null;
      found(names);
    } catch (error) {
      if (this.#isStopped) return;
      const { message } = toErrorRecord(error);
      if (message !== this.#failure) {
        this.#log("warn", "DNS gives no nodes", { asked: this.source, why: message });
      }
      this.#failure = message;
    }
    this.#timer = this.#clock.after(pollMs, () => void this.#poll(found));
  }

  async #ask(): Promise<string[]> {
    const query = this.#query;
    if (query.kind === "dns") {
      const hosts = await this.#resolver.addresses(query.host);
      return selectNodeNames(
        query.alias,
        hosts.map((host) => ({ host, port: query.port })),
      );
    }
    const targets = await this.#resolver.services(query.service);
    return selectNodeNames(
      query.alias,
      // DNS may write names with the dot that ends them.
      targets.map(({ name, port }) => ({ host: name.replace(/\.$/, ""), port })),
    );
  }
}

function formatQuery(query: DnsQuery): string {
  return query.kind === "dns"
    ? `dns:${query.alias}@${query.host}:${query.port}`
    : `dns+srv:${query.alias}@${query.service}`;
}
