import type {
  GroupKind,
  MemberRole,
  MemberState,
  MemberStatus,
} from "../../../actors/relay/group-kind.ts";
import type { RemovedMember } from "../../../actors/relay/removed-members.ts";

/** What an operation ends with: "ok" or the code of its refusal. */
export type Outcome = string;

interface Person {
  readonly userId: string;
  role: MemberRole;
  status: MemberStatus;
  joinedAt: number;
  version: number;
  sessions: string[];
}

/** All that a state may be before another one counts. */
const stricter = ["active admin", "active member", "pending member", "muted member"];

/** Groups as the contract tells them, one list, nothing counted: to compare memberships with. */
export class NaiveMembership {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  people: Person[] = [];
  isSettled = true;
  /** When the last membership of a user was ended in a durable group. */
  readonly removed: Map<string, number> = new Map();

  constructor(kind: GroupKind, isDurable: boolean) {
    this.kind = kind;
    this.isDurable = isDurable;
  }

  states(): MemberState[] {
    return this.people.map(({ sessions: _, ...state }) => state);
  }

  find(userId: string | null): Person | undefined {
    return this.people.find((person) => person.userId === userId);
  }

  /** The sessions that a message is delivered to. */
  receivers(): string[] {
    return this.people.flatMap(({ status, sessions }) => (status === "pending" ? [] : sessions));
  }

  join(userId: string, joinedAt: number, maxMembers: number): Outcome {
    if (this.find(userId)) return "ok";
    if (this.people.length >= maxMembers) return "group_full";
    const isFirst = this.people.length === 0 && this.isSettled;
    const removedAt = this.removed.get(userId) ?? 0;
    this.people.push({
      userId,
      role: isFirst ? "admin" : "member",
      status: isFirst || this.kind === "public" ? "active" : "pending",
      joinedAt: joinedAt > removedAt ? joinedAt : removedAt + 1,
      version: removedAt + (isFirst ? 3 : 1),
      sessions: [],
    });
    return "ok";
  }

  /** @param mayReturn somebody who is away may come back, and be admin */
  leave(userId: string, at: number, mayReturn = false): Outcome {
    const person = this.find(userId);
    if (!person) return "not_a_member";
    const known = this.removed.get(userId) ?? 0;
    if (this.isDurable) this.removed.set(userId, Math.max(known, at, person.joinedAt));
    this.people = this.people.filter((person) => person.userId !== userId);
    return this.#seeToAnAdmin(1, mayReturn);
  }

  accept(by: string | null, userId: string): Outcome {
    const asker = this.find(by);
    if (by !== null) {
      if (!asker) return "not_a_member";
      if (asker.status === "pending") return "membership_pending";
      if (this.kind === "strict_private" && asker.role !== "admin") return "not_admin";
      if (asker.status === "muted") return "muted";
    }
    const target = this.find(userId);
    if (!target) return "no_such_member";
    if (target.status !== "pending") return "ok";
    target.status = "active";
    target.version += 1;
    return "ok";
  }

  mute(by: string | null, userId: string, at: number): Outcome {
    return this.#muting(by, userId, (target) => {
      if (target.status === "muted") return "ok";
      if (this.#isOnlyAdmin(target)) return "last_admin";
      target.status = "muted";
      target.role = "member";
      target.version = target.version < at ? at : target.version + 1;
      return "ok";
    });
  }

  unmute(by: string | null, userId: string): Outcome {
    return this.#muting(by, userId, (target) => {
      if (target.status !== "muted") return "ok";
      target.status = "active";
      target.version += 1;
      return "ok";
    });
  }

  promote(by: string | null, userId: string): Outcome {
    return this.#administering(by, userId, (target) => {
      if (target.role === "admin") return "ok";
      target.role = "admin";
      target.status = "active";
      target.version += 1;
      this.isSettled = true;
      return "ok";
    });
  }

  demote(by: string | null, userId: string): Outcome {
    return this.#administering(by, userId, (target) => {
      if (target.role === "member") return "ok";
      if (this.#isOnlyAdmin(target)) return "last_admin";
      target.role = "member";
      target.version += 1;
      return "ok";
    });
  }

  remove(by: string | null, userId: string, at: number, mayReturn = false): Outcome {
    const refusal = this.delete(by);
    if (refusal !== "ok") return refusal;
    return this.find(userId) ? this.leave(userId, at, mayReturn) : "no_such_member";
  }

  /** Whether `by` may delete the group. */
  delete(by: string | null): Outcome {
    if (by === null) return "ok";
    const asker = this.find(by);
    if (!asker) return "not_a_member";
    if (asker.status === "pending") return "membership_pending";
    return asker.role === "admin" ? "ok" : "not_admin";
  }

  read(by: string): Outcome {
    const asker = this.find(by);
    if (!asker) return "not_a_member";
    return asker.status === "pending" ? "membership_pending" : "ok";
  }

  info(by: string): Outcome {
    return this.kind === "public" ? "ok" : this.read(by);
  }

  send(by: string): Outcome {
    return this.find(by)?.status === "muted" ? "muted" : this.read(by);
  }

  attach(userId: string, key: string): boolean {
    const person = this.find(userId);
    person?.sessions.push(key);
    return person !== undefined;
  }

  detachAll(keys: readonly string[], mayReturn = false): Outcome {
    const before = this.people.length;
    this.people = this.people.filter((person) => {
      const left = person.sessions.filter((key) => !keys.includes(key));
      const isGone = !this.isDurable && person.sessions.length > 0 && left.length === 0;
      person.sessions = left;
      return !isGone;
    });
    return this.people.length < before ? this.#seeToAnAdmin(0, mayReturn) : "ok";
  }

  /** Those without a session are members no more, and may return. */
  expire(userIds: readonly string[]): void {
    if (this.isDurable) return;
    const left = this.people.filter(
      ({ userId, sessions }) => sessions.length > 0 || !userIds.includes(userId),
    );
    if (left.length === this.people.length) return;
    this.people = left;
    this.#seeToAnAdmin(0, true);
  }

  merge(states: readonly MemberState[], removed: readonly RemovedMember[] = []): Outcome {
    const before = JSON.stringify(this.states());
    for (const { userId, removedAt } of removed) {
      this.removed.set(userId, Math.max(removedAt, this.removed.get(userId) ?? 0));
    }
    const isAlive = ({ userId, joinedAt }: MemberState): boolean =>
      joinedAt > (this.removed.get(userId) ?? Number.NEGATIVE_INFINITY);
    const users = new Set([...this.people, ...states].map(({ userId }) => userId));
    this.people = [...users].flatMap((userId) => {
      const own = this.find(userId);
      const known = [own, states.find((state) => state.userId === userId)];
      const [first, second] = known.filter((state) => state && isAlive(state)) as MemberState[];
      if (first === undefined) return [];
      const best = second !== undefined && isBetter(second, first) ? second : first;
      return { ...best, sessions: own?.sessions ?? [] };
    });
    if (JSON.stringify(this.states()) === before) return "ok";
    this.people = this.people.toSorted((a, b) => a.joinedAt - b.joinedAt);
    this.isSettled = this.#hasAdmin;
    return "ok";
  }

  settle(): Outcome {
    this.isSettled = true;
    return this.#seeToAnAdmin();
  }

  /** All sessions are lost, only the states are read back. */
  restart(): void {
    for (const person of this.people) person.sessions = [];
    this.isSettled = this.#hasAdmin;
  }

  #muting(by: string | null, userId: string, act: (target: Person) => Outcome): Outcome {
    const asker = this.find(by);
    if (by !== null && !asker) return "not_a_member";
    if (asker?.status === "pending") return "membership_pending";
    if (this.kind !== "strict_private") return "not_strict_private";
    return this.#administering(by, userId, act);
  }

  #administering(by: string | null, userId: string, act: (target: Person) => Outcome): Outcome {
    const refusal = this.delete(by);
    if (refusal !== "ok") return refusal;
    const target = this.find(userId);
    if (!target) return "no_such_member";
    return target.status === "pending" ? "membership_pending" : act(target);
  }

  get #hasAdmin(): boolean {
    return this.people.some(({ role }) => role === "admin");
  }

  #isOnlyAdmin(person: Person): boolean {
    const admins = this.people.filter(({ role }) => role === "admin");
    return admins.length === 1 && admins[0] === person;
  }

  #seeToAnAdmin(versions = 0, mayReturn = false): Outcome {
    if (!this.isSettled || this.#hasAdmin) return "ok";
    const heir =
      this.people.find(({ status }) => status === "active") ??
      this.people.find(({ status }) => status === "muted");
    if (!heir && mayReturn) {
      this.isSettled = false;
      return "ok";
    }
    if (!heir) {
      this.people = [];
      return "ok";
    }
    heir.role = "admin";
    heir.status = "active";
    heir.version += versions;
    return "ok";
  }
}

/** Whether the one counts and not the other, of two states of a user. */
function isBetter(one: MemberState, other: MemberState): boolean {
  if (one.version !== other.version) return one.version > other.version;
  const [first, second] = [one, other].map(({ role, status }) =>
    stricter.indexOf(`${status} ${role}`),
  ) as [number, number];
  return first === second ? one.joinedAt < other.joinedAt : first > second;
}
