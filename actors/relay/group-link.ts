import type { ActorRef } from "#runtime";
import type { Enter } from "./enter.ts";
import { FanoutGroup } from "./fanout-group.ts";
import type { EnterAnswer, ReenterAnswer } from "./fanout-messages.ts";
import { type Few, FewBy } from "./few.ts";
import type { Group } from "./group.ts";
import type { GroupSearch, Intent } from "./intent.ts";
import type { LinkHost } from "./link-host.ts";
import { type RelayRefusal, refuseRelay } from "./refusal.ts";
import type { RelayRouter } from "./router.ts";
import type { Seat } from "./seat.ts";

/** What finds groups: the router of the thread. */
export type GroupFinder = Pick<RelayRouter, "find" | "forget">;

const byNo = new FewBy(({ request }: Enter) => request.no);

/** A search for the group: whose intent it has; null: it is searched for all. */
interface Search {
  readonly searcher: Enter | null;
}

/** How soon a group that was lost is looked for again, at first and at most. */
const searchAgainMs = { first: 50, longest: 1_000 } as const;
/** How soon what a full mailbox refused is told again. */
const tellAgainMs = 100;
/** How long a group may take to answer a claim before it is looked for anew. */
const claimTimeoutMs = 5_000;
/**
 * How long a group without sessions here is still followed: by then all that it had told before has
 * come, and is not taken for word of the next group of that name.
 */
const lingerMs = 10_000;

/**
 * A fan-out's way to one group: finds it, tells it who comes and goes, follows it where it moves, and
 * when it is lost brings its members to where it is built anew. What it tells is told in order, and
 * again when there was no room.
 */
export class GroupLink {
  readonly group: FanoutGroup;
  /** Those that the group has not answered. */
  #enters: Few<number, Enter> = null;
  /** Those of which the group has not been told; null: there are none. */
  #untold: Set<Enter> | null = null;
  readonly #host: LinkHost;
  #ref: ActorRef<Group> | null = null;
  /** Sessions that have left and of which the group has not been told; null: there are none. */
  #exits: number[] | null = null;
  /** Null: it is not looked for. The pause before a search counts as one, too. */
  #search: Search | null = null;
  /** How often the group was lost in a row. */
  #losses = 0;
  /** It has ended by itself: unless it is found elsewhere it is not built anew. */
  #hasEnded = false;
  /** Counts the claims; `told`: the answer is awaited, and what comes before it is of before the claim. */
  #claim: "none" | "due" | "told" = "none";
  #claims = 0;
  #tellsAgain = false;
  #lingers = false;
  /** It is among those that are flushed at the end of the turn. */
  isTouched = false;
  isDropped = false;

  constructor(groupId: string, host: LinkHost) {
    this.#host = host;
    this.group = new FanoutGroup(groupId, host.settings);
  }

  get groupId(): string {
    return this.group.groupId;
  }

  /** False: what comes in the name of the group is of one that is not followed yet, or any more. */
  get isFollowing(): boolean {
    return this.#ref !== null && this.#claim === "none";
  }

  // --- from the sessions ---------------------------------------------------------------------

  enter(enter: Enter): void {
    const { intent } = enter;
    if (this.#ref !== null && intent.type === "create" && intent.mustBeNew) {
      if (!this.#isUnused) {
        this.#host.forgot();
        this.#host.refuse(enter, refuseRelay("group_exists"));
        return;
      }
      // Nobody here would know whether it is still there, once it has heard that all have left.
      this.#tellAll(this.#ref);
      this.#unfollow(this.#ref);
    }
    this.#enters = byNo.set(this.#enters, enter);
    this.#untold ??= new Set();
    this.#untold.add(enter);
    this.#goOn();
  }

  /** Nobody waits for it any more. The group that lets it in all the same is told to forget it. */
  cancel(enter: Enter): void {
    enter.isOver = true;
    if (this.#untold?.has(enter) && this.#search?.searcher !== enter) this.#forget(enter);
    this.#host.touch(this);
  }

  /** A session that was in the group has left it. */
  exit(session: number): void {
    // One that is not found yet hears of those alone who are still there.
    if (this.#ref !== null) this.#keepExit(session);
    this.#host.touch(this);
  }

  // --- from the group ------------------------------------------------------------------------

  /** The group has answered; the result is for whom, null: nobody. */
  entered(no: number, answer: EnterAnswer): Enter | null {
    const enter = byNo.get(this.#enters, no);
    if (enter === undefined || this.#untold?.has(enter) || this.#claim !== "none") return null;
    this.#forget(enter);
    this.#isBack();
    if (!enter.isOver) return enter;
    // The others who are on their way hear only what came since.
    if (answer.ok) this.group.takePresence(answer.presence);
    if (answer.ok && !this.#isWanted(enter)) this.#keepExit(enter.request.session);
    return null;
  }

  /** The group has answered the claim; the result is what is left to be closed. */
  reentered(answer: ReenterAnswer | RelayRefusal): readonly Seat[] {
    if (this.#claim !== "told") return [];
    this.#claim = "none";
    this.#isBack();
    if (!("ok" in answer)) return this.group.reenter(answer);
    this.#refusedClaim(answer);
    return [];
  }

  /** It goes on elsewhere. */
  moved(to: ActorRef<Group>): void {
    if (this.#ref === null || this.#ref.equals(to)) return;
    this.#unfollow(this.#ref);
    this.#follow(to);
  }

  /** There was something that the group could not tell. */
  fellBehind(group: ActorRef<Group>): void {
    if (this.#ref !== null && !this.#ref.equals(group)) return;
    if (this.#ref !== null) this.#unfollow(this.#ref);
    // It may know sessions that are gone, even where there are none any more.
    this.#claim = "due";
    if (this.#search === null) this.#follow(group);
  }

  /** An actor that was followed has ended, and all that it told before has been heard. */
  ended(ref: ActorRef, isByItself: boolean): void {
    if (!this.#ref?.equals(ref)) return;
    this.#hasEnded ||= isByItself;
    this.#lose();
  }

  /** The group was deleted. */
  closed(): void {
    if (this.#ref !== null) this.#lose();
  }

  // --- the end of a turn ---------------------------------------------------------------------

  /** Sends what has come, tells what has to be told. */
  flush(): void {
    this.isTouched = false;
    this.group.flush();
    this.#goOn();
  }

  #goOn(): void {
    if (this.isDropped) return;
    if (this.#ref !== null) this.#tell(this.#ref);
    else if (this.#search === null) this.#find();
  }

  get #isUnused(): boolean {
    return this.group.isEmpty && this.#enters === null;
  }

  /** Whether the session is to stay in the group, though nobody waits for this enter. */
  #isWanted({ session }: Enter): boolean {
    if (session.seatIn(this.group) !== undefined) return true;
    return session.enters.some(({ groupId }) => groupId === this.groupId);
  }

  // --- finding it ----------------------------------------------------------------------------

  #find(): void {
    const [first] = byNo.values(this.#enters);
    const searcher = this.group.isEmpty ? first : null;
    if (searcher === undefined) {
      this.#drop();
      return;
    }
    const search = { searcher };
    this.#search = search;
    const intent = searcher?.intent ?? (this.#hasEnded ? { type: "find" } : this.#restoring());
    this.#host.finder.find(this.groupId, intent).then(
      (result) => this.#found(search, result),
      () => this.#found(search, refuseRelay("unavailable")),
    );
  }

  #restoring(): Intent {
    const { kind, isDurable, offset } = this.group.claim();
    return { type: "restore", claim: { kind, isDurable, offset } };
  }

  #found(search: Search, result: GroupSearch): void {
    if (search !== this.#search || this.isDropped) return;
    this.#search = null;
    const { searcher } = search;
    if (result.ok) {
      // A group that was made for somebody who has gone hears of both.
      this.#forgetOver(result.isNew ? searcher : null);
      this.#refuseMakers(searcher);
      this.#follow(result.group);
      return;
    }
    if (searcher !== null) this.#refuse(searcher, result);
    else if (result.code === "group_not_found") this.#host.vanished(this);
    else {
      this.#losses += 1;
      this.#findLater();
      return;
    }
    this.#goOn();
  }

  /** What is true for all who want the same is told to all of them. */
  #refuse(searcher: Enter, refusal: RelayRefusal): void {
    const isForAll = refusal.code === "unavailable";
    const isForAlike = searcher.intent.type === "find";
    for (const enter of isForAll || isForAlike ? this.#allEnters() : [searcher]) {
      if (enter !== searcher && !isForAll && enter.intent.type !== "find") continue;
      this.#forget(enter);
      if (!enter.isOver) this.#host.refuse(enter, refusal);
    }
  }

  /** Whoever wanted to make it, but for the one who perhaps did, comes too late. */
  #refuseMakers(searcher: Enter | null): void {
    for (const enter of this.#allEnters()) {
      const { intent } = enter;
      if (enter === searcher || intent.type !== "create" || !intent.mustBeNew) continue;
      this.#forget(enter);
      this.#host.refuse(enter, refuseRelay("group_exists"));
    }
  }

  #findLater(): void {
    const { first, longest } = searchAgainMs;
    const mostMs = Math.min(longest, first * 2 ** Math.min(this.#losses - 1, 10));
    const search = { searcher: null };
    this.#search = search;
    this.#host.context.after(mostMs * (0.5 + this.#host.context.random() / 2), () => {
      if (search !== this.#search || this.isDropped) return;
      this.#search = null;
      this.#goOn();
    });
  }

  #follow(ref: ActorRef<Group>): void {
    this.#ref = ref;
    if (!this.group.isEmpty) this.#claim = "due";
    this.#host.context.watch(ref);
    this.#host.follow(this, ref);
    this.#tell(ref);
  }

  #unfollow(ref: ActorRef<Group>): void {
    this.#host.context.unwatch(ref);
    this.#host.unfollow(ref);
    this.#ref = null;
    this.#claim = "none";
    this.#exits = null;
    this.#forgetOver(null);
    this.#untold = this.#enters === null ? null : new Set(byNo.values(this.#enters));
  }

  /** The group has answered. */
  #isBack(): void {
    this.#losses = 0;
    this.#hasEnded = false;
    this.#host.touch(this);
  }

  #lose(): void {
    if (this.#ref !== null) this.#unfollow(this.#ref);
    this.#host.finder.forget(this.groupId);
    this.#losses += 1;
    if (this.#losses === 1 || this.#isUnused) this.#goOn();
    else this.#findLater();
  }

  #forgetOver(except: Enter | null): void {
    for (const enter of this.#allEnters()) {
      if (enter.isOver && enter !== except) this.#forget(enter);
    }
  }

  #refusedClaim(refusal: RelayRefusal): void {
    if (refusal.code === "group_not_found") {
      this.#host.vanished(this);
      this.closed();
    } else this.#lose();
  }

  // --- telling it ----------------------------------------------------------------------------

  #tell(ref: ActorRef<Group>): void {
    if (!this.#tellAll(ref)) this.#tellLater();
    else if (this.#isUnused && !this.#lingers) this.#linger();
  }

  /** False: there was no room for all of it. */
  #tellAll(ref: ActorRef<Group>): boolean {
    const { self } = this.#host;
    if (this.#claim === "due") {
      if (!ref.tell.reenter(self, this.group.claim())) return false;
      this.#claim = "told";
      this.#limitClaim();
      // Whoever has left is not in it.
      this.#exits = null;
    }
    if (this.#exits !== null) {
      if (!ref.tell.exit(self, this.#exits)) return false;
      this.#exits = null;
    }
    for (const enter of this.#untold ?? []) {
      if (!ref.tell.enter(self, enter.request)) return false;
      this.#untold?.delete(enter);
    }
    this.#untold = null;
    return true;
  }

  #limitClaim(): void {
    this.#claims += 1;
    const claim = this.#claims;
    this.#host.context.after(claimTimeoutMs, () => {
      if (this.#claim !== "told" || claim !== this.#claims || this.isDropped) return;
      this.#lose();
      this.#claim = "due";
    });
  }

  #tellLater(): void {
    if (this.#tellsAgain) return;
    this.#tellsAgain = true;
    this.#host.context.after(tellAgainMs, () => {
      this.#tellsAgain = false;
      this.#goOn();
    });
  }

  #linger(): void {
    this.#lingers = true;
    this.#host.context.after(lingerMs, () => {
      this.#lingers = false;
      if (!this.#isUnused || this.#ref === null || this.#exits !== null) return;
      this.#unfollow(this.#ref);
      this.#drop();
    });
  }

  /** A copy, in the order in which they came. */
  #allEnters(): readonly Enter[] {
    return [...byNo.values(this.#enters)];
  }

  #keepExit(session: number): void {
    this.#exits ??= [];
    this.#exits.push(session);
  }

  #forget(enter: Enter): void {
    this.#untold?.delete(enter);
    const { no } = enter.request;
    if (byNo.get(this.#enters, no) === undefined) return;
    this.#enters = byNo.delete(this.#enters, no);
    this.#host.forgot();
  }

  #drop(): void {
    this.isDropped = true;
    this.#host.drop(this);
  }
}
