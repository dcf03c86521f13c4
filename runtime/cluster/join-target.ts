/** What a node may be told to join: another node, or names in DNS that lead to nodes. */

import { inspect } from "node:util";
import { formatNodeName, isNodeName, parseHostPort, parseNodeName } from "./node-name.ts";

/** One entry of `join`, read. */
export type JoinTarget = { readonly kind: "node"; readonly name: string } | DnsQuery;

/** What to ask DNS, and how the names of nodes are made of its answer. */
export type DnsQuery =
  | {
      /** Every IPv4 address of the host is a node `alias@ADDRESS:port`. */
      readonly kind: "dns";
      readonly alias: string;
      readonly host: string;
      readonly port: number;
    }
  | {
      /** Every target and port of the SRV record is a node `alias@TARGET:PORT`. */
      readonly kind: "dns_srv";
      readonly alias: string;
      readonly service: string;
    };

const expected =
  "a node such as gateway@10.0.0.1:9100, dns:[ALIAS@]HOST:PORT or dns+srv:[ALIAS@]NAME";

const aliasPattern = /^(?:([a-z0-9_-]{1,64})@)?(.+)$/;
const servicePattern = /^(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/**
 * Reads an entry of `join`. DNS knows no aliases: where none is given, `ownAlias` is taken.
 * @throws RangeError that begins with `field` and says what was expected and received.
 */
export function parseJoinTarget(text: string, ownAlias: string, field = "join"): JoinTarget {
  const misuse = (cause?: unknown): RangeError =>
    new RangeError(`${field}: expected ${expected}, received ${inspect(text)}`, { cause });
  const [, scheme, rest = text] = /^(dns|dns\+srv):(.*)$/i.exec(text) ?? [];
  const [, alias = ownAlias, place = ""] = aliasPattern.exec(rest.toLowerCase()) ?? [];
  try {
    if (scheme === undefined) {
      const { name, port } = parseNodeName(text);
      if (port !== 0) return { kind: "node", name };
    } else if (scheme.toLowerCase() === "dns") {
      const { host, port } = parseHostPort(place);
      if (port !== 0) return { kind: "dns", alias, host, port };
    } else if (servicePattern.test(place)) {
      return { kind: "dns_srv", alias, service: place };
    }
  } catch (error) {
    throw misuse(error);
  }
  throw misuse();
}

/** The names of the nodes at the places, without what cannot be the name of a node. */
export function selectNodeNames(
  alias: string,
  places: readonly { readonly host: string; readonly port: number }[],
): string[] {
  const names = places.map(({ host, port }) => formatNodeName(alias, host.toLowerCase(), port));
  return [...new Set(names)].filter(isNodeName).sort();
}
