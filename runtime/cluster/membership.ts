/**
 * What is known of other nodes, and what to do about it. Nothing here has a socket or a timer: events
 * go in, actions come out, and the same events with the same random numbers give the same actions.
 *
 * A node is up exactly as long as the link to it is. There is one link, or one dial, at a time to
 * each node; the other node has its own to this one. A known node that is not up is dialled again
 * and again: at once when it is heard of, then after a delay that doubles, with full jitter.
 */

import { type BackoffPolicy, decideBackoff } from "../supervision/index.ts";
import type { NodeIdentity } from "./node-identity.ts";

/** What happened. `attempt` is that of the dial; what comes of an earlier one counts for nothing. */
export type MembershipEvent =
  /** A discovery's whole list; a node that one names is dialled for as long as it does. */
  | { readonly type: "discovered"; readonly source: string; readonly names: readonly string[] }
  /** Another node is connected to these. */
  | { readonly type: "heard_of"; readonly names: readonly string[] }
  /** A node has connected to this one. */
  | { readonly type: "seen"; readonly peer: Peer }
  | {
      readonly type: "up";
      readonly name: string;
      readonly attempt: number;
      readonly peer: Peer;
    }
  | { readonly type: "failed"; readonly name: string; readonly attempt: number }
  /** The link was lost. `left`: the node said goodbye. */
  | {
      readonly type: "down" | "left";
      readonly name: string;
      readonly attempt: number;
      readonly reason: string;
    }
  /** The node said which roles it has now. */
  | { readonly type: "roles"; readonly peer: Peer }
  | { readonly type: "tick" }
  /** This node leaves: nothing is dialled any more. */
  | { readonly type: "leave"; readonly reason: string };

/** What there is to be done, in this order. */
export type MembershipAction =
  /** The node is up, or its roles have changed. */
  | { readonly type: "publish"; readonly peer: Peer }
  | {
      readonly type: "remove";
      readonly name: string;
      readonly reason: string;
      readonly isOrderly: boolean;
    }
  | { readonly type: "drop"; readonly name: string; readonly reason: string }
  | { readonly type: "dial"; readonly name: string; readonly attempt: number };

/** Another node, in one of its lives. */
export type Peer = Pick<NodeIdentity, "name" | "incarnation" | "roles">;

/** What {@link Membership} goes by. */
export interface MembershipOptions {
  /** The name of this node. */
  readonly self: string;
  /** Upper bound of the delay between two dials, ms. */
  readonly redialMaxMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** A link that held for so long was good: after its loss the delays begin anew. */
const stableAfterMs = 10_000;
/** A node of a list that said goodbye is dialled again after at most this, unless it is seen. */
const leisureMs = 10_000;
/** A node that no list names and that was not heard of for so long is forgotten. */
const forgetAfterMs = 600_000;
/** A dial that has hung for so long is given up for a new one when the node is seen. */
const hangingMs = 1_000;
/** Nodes of hearsay beyond this many are not taken up. */
const maxKnown = 4_096;

interface Known {
  readonly name: string;
  /** The discoveries that name it. */
  readonly sources: Set<string>;
  phase: "waiting" | "dialling" | "up";
  /** When to dial; while it waits. */
  dueAt: number;
  /** Of the last dial. */
  attempt: number;
  /** When the phase began. */
  since: number;
  /** Dials and short links since the last good one. */
  failures: number;
  /** Who is up. */
  peer: Peer | null;
  /** The roles that it told itself: newer than those of its handshake, which never change. */
  told: Peer | null;
  heardAt: number;
}

export class Membership {
  readonly #self: string;
  readonly #policy: BackoffPolicy;
  readonly #random: () => number;
  readonly #known = new Map<string, Known>();
  #attempts = 0;
  #hasLeft = false;

  constructor({ self, redialMaxMs, random }: MembershipOptions) {
    this.#self = self;
    this.#random = random;
    const minMs = Math.min(100, redialMaxMs);
    this.#policy = { minMs, maxMs: redialMaxMs, factor: 2, jitter: 1, resetAfterMs: stableAfterMs };
  }

  /** The nodes that are up, by name. */
  up(): Peer[] {
    const up = [...this.#known.values()].flatMap(({ peer }) => (peer === null ? [] : [peer]));
    return up.sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Whether the node is up, or is dialled until it is. */
  knows(name: string): boolean {
    return this.#known.has(name);
  }

  /** When the next `tick` is due; Infinity when nothing waits. */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY;
    for (const node of this.#known.values()) {
      if (node.phase === "waiting") dueAt = Math.min(dueAt, node.dueAt);
    }
    return dueAt;
  }

  /** Takes an event; what is due by `nowMs` is dialled whatever the event was. */
  decide(event: MembershipEvent, nowMs: number): MembershipAction[] {
    if (this.#hasLeft) return [];
    const actions = this.#react(event, nowMs);
    for (const node of this.#known.values()) {
      if (node.phase !== "waiting") continue;
      const isStale = node.sources.size === 0 && nowMs - node.heardAt > forgetAfterMs;
      if (isStale) this.#known.delete(node.name);
      else if (node.dueAt <= nowMs) actions.push(this.#dial(node, nowMs));
    }
    return actions;
  }

  #react(event: MembershipEvent, nowMs: number): MembershipAction[] {
    switch (event.type) {
      case "discovered":
        this.#discovered(event.source, event.names, nowMs);
        return [];
      case "heard_of":
        for (const name of event.names) {
          if (this.#known.size < maxKnown) this.#hear(name, nowMs);
        }
        return [];
      case "seen":
        return this.#seen(event.peer, nowMs);
      case "roles":
        return this.#told(event.peer, nowMs);
      case "leave":
        return this.#leave(event.reason);
      case "tick":
        return [];
      default: {
        const node = this.#known.get(event.name);
        if (node?.attempt !== event.attempt || node.phase === "waiting") return [];
        return this.#linkChanged(node, event, nowMs);
      }
    }
  }

  #discovered(source: string, names: readonly string[], nowMs: number): void {
    for (const node of this.#known.values()) node.sources.delete(source);
    for (const name of names) this.#hear(name, nowMs)?.sources.add(source);
  }

  /** Takes up a node of which nothing was known, to dial it now. */
  #hear(name: string, nowMs: number): Known | undefined {
    if (name === this.#self) return undefined;
    let node = this.#known.get(name);
    if (node === undefined) {
      node = {
        ...{ name, sources: new Set(), phase: "waiting", dueAt: nowMs, attempt: 0, since: nowMs },
        ...{ failures: 0, peer: null, told: null, heardAt: nowMs },
      };
      this.#known.set(name, node);
    }
    node.heardAt = nowMs;
    return node;
  }

  #seen(peer: Peer, nowMs: number): MembershipAction[] {
    const node = this.#hear(peer.name, nowMs);
    if (node === undefined) return [];
    const isAnew = node.peer !== null && node.peer.incarnation < peer.incarnation;
    const isHanging = node.phase === "dialling" && nowMs - node.since >= hangingMs;
    // A node that could connect to this one is there: no reason to wait.
    if (node.phase === "waiting") node.dueAt = nowMs;
    if (!isAnew && !isHanging) return [];
    const reason = isAnew ? "it was started anew" : "the dial hung";
    const actions = this.#lose(node, reason, false);
    this.#wait(node, nowMs, 0);
    return [...actions, { type: "drop", name: node.name, reason }];
  }

  #told(peer: Peer, nowMs: number): MembershipAction[] {
    const node = this.#hear(peer.name, nowMs);
    if (node === undefined || peer.incarnation < (node.told?.incarnation ?? 0)) return [];
    node.told = peer;
    if (node.peer?.incarnation !== peer.incarnation) return [];
    const before = node.peer.roles;
    const isSame =
      before.length === peer.roles.length && before.every((it) => peer.roles.includes(it));
    if (isSame) return [];
    node.peer = peer;
    return [{ type: "publish", peer }];
  }

  #linkChanged(
    node: Known,
    event: Extract<MembershipEvent, { attempt: number }>,
    nowMs: number,
  ): MembershipAction[] {
    node.heardAt = event.type === "failed" ? node.heardAt : nowMs;
    if (event.type === "up") {
      const { peer } = event;
      node.peer = node.told?.incarnation === peer.incarnation ? node.told : peer;
      node.phase = "up";
      node.since = nowMs;
      return [{ type: "publish", peer: node.peer }];
    }
    const reason = event.type === "failed" ? "" : event.reason;
    const isOrderly = event.type === "left";
    const heldMs = node.phase === "up" ? nowMs - node.since : 0;
    const actions = this.#lose(node, reason, isOrderly);
    if (isOrderly) this.#part(node, nowMs);
    else {
      node.failures = (heldMs >= stableAfterMs ? 0 : node.failures) + 1;
      const { delayMs } = decideBackoff(this.#policy, node.failures, 0, this.#random);
      this.#wait(node, nowMs, delayMs);
    }
    return actions;
  }

  /** A node that left comes back by itself, or not at all. */
  #part(node: Known, nowMs: number): void {
    if (node.sources.size === 0) this.#known.delete(node.name);
    else {
      node.failures = 0;
      this.#wait(node, nowMs, Math.ceil(leisureMs * (1 - this.#random() / 2)));
    }
  }

  #leave(reason: string): MembershipAction[] {
    this.#hasLeft = true;
    const actions: MembershipAction[] = [];
    for (const node of this.#known.values()) {
      const isLinked = node.phase !== "waiting";
      actions.push(...this.#lose(node, reason, true));
      if (isLinked) actions.push({ type: "drop", name: node.name, reason });
    }
    this.#known.clear();
    return actions;
  }

  #lose(node: Known, reason: string, isOrderly: boolean): MembershipAction[] {
    if (node.peer === null) return [];
    node.peer = null;
    return [{ type: "remove", name: node.name, reason, isOrderly }];
  }

  #wait(node: Known, nowMs: number, delayMs: number): void {
    node.phase = "waiting";
    node.since = nowMs;
    node.dueAt = nowMs + delayMs;
  }

  #dial(node: Known, nowMs: number): MembershipAction {
    this.#attempts += 1;
    node.phase = "dialling";
    node.since = nowMs;
    node.attempt = this.#attempts;
    return { type: "dial", name: node.name, attempt: node.attempt };
  }
}
