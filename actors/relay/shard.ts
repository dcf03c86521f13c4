import { Actor, type ActorRef, HERE, isOrderlyExit, type NodeEvent, type Signal } from "#runtime";
import { admitMember } from "./admission.ts";
import type { Group } from "./group.ts";
import type { GroupOrigin } from "./group-messages.ts";
import type { GroupState } from "./group-state.ts";
import { selectShard } from "./home.ts";
import type { FoundGroup, Intent } from "./intent.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import type { RelaySettings } from "./relay-settings.ts";
import { gatewayRole, relayViewOf } from "./relay-view.ts";
import { Roster } from "./roster.ts";
import { Settling } from "./settling.ts";
import { ShardGroups } from "./shard-groups.ts";
import { ShardMoves } from "./shard-moves.ts";
import { ShardOpenings } from "./shard-openings.ts";
import { ShardSearch } from "./shard-search.ts";
import { StoredGroups } from "./stored-groups.ts";

export { shardPrefix } from "./relay-view.ts";

/** How long groups may turn up after nodes have changed, or something was lost. */
const settleMs = 1_000;
/** How often a shard looks whether the nodes have changed: their shards come after them. */
const lookMs = 500;
/** How long a node that has said that it stops is not counted: the time that it may take. */
const leaveMs = 10_000;
/** The group is not this shard's: the asker's view, or this one's, is not the newest. */
interface WrongHome {
  readonly ok: false;
  readonly code: "wrong_home";
}

/** What a shard answers to a search. */
export type ShardAnswer = FoundGroup | WrongHome | RelayRefusal;

/** What a shard answers that was brought a group. */
export type Adoption =
  | { readonly ok: true; readonly group: ActorRef<Group> }
  | WrongHome
  | RelayRefusal;

/** A group that a shard holds. */
export interface HeldGroup {
  readonly groupId: string;
  readonly group: ActorRef<Group>;
}

const wrongHome: WrongHome = Object.freeze({ ok: false, code: "wrong_home" });

/**
 * The home of a part of the groups of a gateway node, whose parent it is, and of a part of the users:
 * it knows which groups they are in. One lives on each scheduler thread, `relay-1`, `relay-2`, …, to
 * be spawned with a concurrency.
 *
 * A group is created by its home alone, at one time once. Where nodes come or go a group moves to its
 * new home as it is; a group that was lost is rebuilt at its home for those who bring what they know
 * of it. For a second after such a change a group that is not here may still turn up: it is asked for
 * at the other nodes, and nothing is said to be missing, or created, before that.
 */
export class RelayShard extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #index: number;
  readonly #count: number;
  readonly #settings: RelaySettings;
  readonly #view = relayViewOf(this.context);
  readonly #roster = new Roster();
  readonly #settling = new Settling(this.context.clock);
  readonly #stored = new StoredGroups(this.context);
  readonly #groups: ShardGroups;
  readonly #moves: ShardMoves;
  readonly #searches: ShardSearch;
  readonly #openings: ShardOpenings;
  #seenVersion = 0;
  #nodeCount = 0;
  #stopListening: () => void = () => {};
  #hasSaidGoodbye = false;

  /** Number `index`, from 1 on, of the `count` shards of its node. */
  constructor(index: number, count: number, settings: RelaySettings) {
    super();
    this.#index = index;
    this.#count = count;
    this.#settings = settings;
    const { context } = this;
    const [view, settling, stored] = [this.#view, this.#settling, this.#stored];
    const groups = new ShardGroups(context, settings);
    this.#groups = groups;
    this.#moves = new ShardMoves(context, groups, view);
    this.#searches = new ShardSearch(context, view, groups, settling);
    this.#openings = new ShardOpenings(context, groups, stored, settling);
  }

  protected override async init(): Promise<void> {
    const { context } = this;
    this.#view.setOwnShards(this.#count);
    this.#seenVersion = this.#view.version;
    this.#nodeCount = this.#view.nodes.length;
    const isRestart = this.#countStart() > 1;
    if (isRestart || this.#view.gateways > 1) this.#settling.begin(settleMs);
    this.#stopListening = context.nodes.onChange((event) => this.#nodeChanged(event));
    context.every(lookMs, () => this.#look());
    if (this.#settings.storage !== null) {
      await this.#stored.open(this.#index, this.#count);
      context.after(0, () => void this.#openings.loadAll().then(() => this.#moves.rebalance()));
    }
    if (isRestart) this.#askForNotes();
  }

  // --- from routers --------------------------------------------------------------------------

  /**
   * Finds a group, or does what the intent says. Answers `wrong_home` when it is not here and should
   * not be, or when too many are waiting: the asker comes again.
   */
  find(groupId: string, intent: Intent): ShardAnswer | Promise<ShardAnswer> {
    const held = this.#groups.get(groupId);
    if (held !== undefined) return answerFound(held, intent);
    // Who restores a group knows that where it went it was lost.
    const there = intent.type === "restore" ? undefined : this.#groups.forwardOf(groupId);
    if (there !== undefined) return answerFound(there, intent);
    if (!this.#isHome(groupId)) return wrongHome;
    return this.#search(groupId, intent);
  }

  // --- from groups ---------------------------------------------------------------------------

  /** Whether a user may be in one group more, which is then noted. */
  admit(userId: string, groupId: string): boolean {
    return this.#roster.admit(userId, groupId, this.#settings.maxGroupsPerUser);
  }

  /** A user is in a group, or is not any more. */
  note(userId: string, groupId: string, isMember: boolean): void {
    this.#roster.note(userId, groupId, isMember);
  }

  /** The groups that a user is in, in the order of joining, as far as the groups have told. */
  groupsOf(userId: string): readonly string[] {
    return this.#roster.groupsOf(userId);
  }

  // --- from other shards ---------------------------------------------------------------------

  /** Takes a group that comes with all it is; where it is here already the two become one. */
  adopt(state: GroupState): Promise<Adoption> {
    const { groupId } = state;
    if (selectShard(groupId, this.#count) !== this.#index) return Promise.resolve(wrongHome);
    return this.#groups.exclusively(groupId, async () => {
      const group = await this.#openings.adopt(state);
      if (group === null) return refuseRelay("unavailable");
      // Whoever brings it has another view of the nodes, maybe the newer one.
      if (!this.#isHome(groupId)) this.#moves.rebalanceLater();
      return { ok: true, group };
    });
  }

  /**
   * Another shard, whose group it is as far as it knows, asks for it: it is brought there, or where
   * this shard knows that it belongs. Null: it is not here.
   */
  async surrender(groupId: string, to: ActorRef<RelayShard>): Promise<ActorRef<Group> | null> {
    if (this.#groups.get(groupId) === undefined) {
      if (!this.#stored.has(groupId)) return this.#groups.forwardOf(groupId) ?? null;
      await this.#groups.exclusively(groupId, () => this.#openings.load(groupId)).catch(() => null);
    }
    const home = this.#view.homeOf(groupId);
    const isElsewhere = home !== null && home.node !== this.#view.self;
    const outcome = await this.#moves.move(
      groupId,
      (isElsewhere && this.#view.shardAt(home)) || to,
    );
    return outcome.ok ? outcome.group : null;
  }

  /** A shard has lost what it knew of its users: all groups tell it, and the others, again. */
  renote(): void {
    for (const [, group] of this.#groups.entries()) group.tell.renote();
  }

  /** A node stops: it is no home any more. */
  nodeLeaves(node: string): void {
    this.#view.leaves(node, leaveMs);
    this.#look();
  }

  // --- from operators ------------------------------------------------------------------------

  /** What it holds. */
  groups(): readonly HeldGroup[] {
    return [...this.#groups.entries()].map(([groupId, group]) => ({ groupId, group }));
  }

  // -------------------------------------------------------------------------------------------

  protected override onSignal(signal: Signal): void {
    if (signal.type !== "terminated" || !signal.child) return;
    const groupId = this.#groups.ended(signal.ref);
    if (groupId === null || isOrderlyExit(signal.reason)) return;
    this.#settling.beginFor(groupId, settleMs);
    if (this.#settings.storage !== null) this.#stored.lost(groupId);
  }

  /** While its groups still live. */
  protected override async stopChildren(): Promise<void> {
    this.#sayGoodbye();
    await this.#moves.evacuate();
  }

  protected override async terminate(): Promise<void> {
    this.#sayGoodbye();
    this.#stopListening();
    // The store could hear of its own stop before it hears what groups have told it.
    if (this.#settings.storage !== null) await this.#stored.flush().catch(() => {});
  }

  /** Whether it is the home by what is known of the nodes now. */
  #isHome(key: string): boolean {
    const home = this.#view.homeOf(key);
    return home !== null && home.node === this.#view.self && home.shard === this.#index;
  }

  /** Looks for a group that is not here and should be. */
  async #search(groupId: string, intent: Intent): Promise<ShardAnswer> {
    // What is on the disk is here as soon as it is read.
    if (!this.#stored.has(groupId)) {
      const isPatient = intent.type !== "restore";
      const end = await this.#searches.run(groupId, isPatient, () => this.#isHome(groupId));
      if (end === "again") return wrongHome;
      if (end !== "none") return answerFound(end, intent);
    }
    return this.#groups.exclusively(groupId, () => this.#findOrCreate(groupId, intent));
  }

  async #findOrCreate(groupId: string, intent: Intent): Promise<ShardAnswer> {
    let group: ActorRef<Group> | null;
    try {
      group = await this.#openings.load(groupId);
    } catch {
      return refuseRelay("unavailable");
    }
    if (group !== null) return answerFound(group, intent);
    if (!this.#isHome(groupId)) return wrongHome;
    if (intent.type === "find") return refuseRelay("group_not_found");
    const { storage } = this.#settings;
    if (intent.type === "create" && intent.isDurable && storage === null) {
      return refuseRelay("no_storage");
    }
    const creator = intent.type === "create" ? intent.creator : null;
    if (creator !== null && !(await this.#admitCreator(creator, groupId))) {
      return refuseRelay("too_many_groups", { limit: this.#settings.maxGroupsPerUser });
    }
    group = await this.#openings.start(groupId, selectOrigin(intent));
    return group === null ? refuseRelay("unavailable") : { ok: true, group, isNew: true };
  }

  #admitCreator(userId: string, groupId: string): Promise<boolean> {
    const home = this.#view.homeOf(userId);
    return admitMember(home === null ? undefined : this.#view.shardAt(home), userId, groupId);
  }

  // --- the life of the shard -----------------------------------------------------------------

  #nodeChanged({ type, node }: NodeEvent): void {
    if (type === "node_down") this.#groups.forgetNode(node.name);
    // Its shards, and the groups that they have, are heard of later than it is.
    const comes = !node.isSelf && (type === "node_up" || type === "role_added");
    if (comes && node.roles.includes(gatewayRole)) this.#settling.begin(settleMs);
    this.context.after(0, () => this.#look());
  }

  /** Has a look at the nodes, and follows what has changed. */
  #look(): void {
    const { version, nodes } = this.#view;
    if (version === this.#seenVersion) return;
    this.#seenVersion = version;
    // A gateway that is alone and was alone learns no more than what it is called.
    if (nodes.length > 1 || this.#nodeCount > 1) this.#settling.begin(settleMs);
    this.#nodeCount = nodes.length;
    this.#groups.forgetForwards();
    this.#roster.keep((userId) => this.#isHome(userId));
    this.renote();
    this.#moves.rebalance();
  }

  /** How often this shard has been started on this node, this time too. */
  #countStart(): number {
    const table = this.context.writeTable<number>(`relay_shard_${this.#index}`);
    const starts = (table.get("starts") ?? 0) + 1;
    table.set("starts", starts);
    return starts;
  }

  #askForNotes(): void {
    for (const shard of this.#view.shards()) {
      if (!shard.equals(this.self)) shard.tell.renote();
    }
  }

  /** Other nodes go on without this one at once, instead of when it is gone. */
  #sayGoodbye(): void {
    if (this.#hasSaidGoodbye) return;
    this.#hasSaidGoodbye = true;
    const { self } = this.#view;
    for (const shard of this.#view.shards()) {
      if (shard.node !== HERE) shard.tell.nodeLeaves(self);
    }
  }
}

function answerFound(group: ActorRef<Group>, intent: Intent): ShardAnswer {
  const isRefused = intent.type === "create" && intent.mustBeNew;
  return isRefused ? refuseRelay("group_exists") : { ok: true, group, isNew: false };
}

function selectOrigin(intent: Exclude<Intent, { type: "find" }>): GroupOrigin {
  if (intent.type === "restore") return { ...intent.claim, type: "claimed" };
  const { kind, isDurable, creator } = intent;
  return { type: "new", kind, isDurable, creator };
}
