import type {
  GroupKind,
  MemberRole,
  MemberState,
  MemberStatus,
} from "../../../actors/relay/group-kind.ts";

/** What an operation ends with: "ok" or the code of its refusal. */
export type Outcome = string;

interface Person {
  readonly userId: string;
  role: MemberRole;
  status: MemberStatus;
  joinedAt: number;
  sessions: string[];
}

/** Groups as the contract tells them, one list, nothing counted: to compare memberships with. */
export class NaiveMembership {
  readonly kind: GroupKind;
  readonly isDurable: boolean;
  people: Person[] = [];
  isSettled = true;

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
    this.people.push({
      userId,
      role: isFirst ? "admin" : "member",
      status: isFirst || this.kind === "public" ? "active" : "pending",
      joinedAt,
      sessions: [],
    });
    return "ok";
  }

  leave(userId: string): Outcome {
    if (!this.find(userId)) return "not_a_member";
    this.people = this.people.filter((person) => person.userId !== userId);
    return this.#seeToAnAdmin();
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
    if (target.status === "pending") target.status = "active";
    return "ok";
  }

  mute(by: string | null, userId: string): Outcome {
    return this.#muting(by, userId, (target) => {
      if (target.status === "muted") return "ok";
      if (this.#isOnlyAdmin(target)) return "last_admin";
      target.status = "muted";
      target.role = "member";
      return "ok";
    });
  }

  unmute(by: string | null, userId: string): Outcome {
    return this.#muting(by, userId, (target) => {
      target.status = "active";
      return "ok";
    });
  }

  promote(by: string | null, userId: string): Outcome {
    return this.#administering(by, userId, (target) => {
      target.role = "admin";
      target.status = "active";
      this.isSettled = true;
      return "ok";
    });
  }

  demote(by: string | null, userId: string): Outcome {
    return this.#administering(by, userId, (target) => {
      if (this.#isOnlyAdmin(target)) return "last_admin";
      target.role = "member";
      return "ok";
    });
  }

  remove(by: string | null, userId: string): Outcome {
    const refusal = this.delete(by);
    if (refusal !== "ok") return refusal;
    return this.find(userId) ? this.leave(userId) : "no_such_member";
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

  /** "taken" when another user has the key. */
  attach(userId: string, key: string): boolean | "taken" {
    const person = this.find(userId);
    if (!person) return false;
    const owner = this.people.find(({ sessions }) => sessions.includes(key));
    if (owner && owner !== person) return "taken";
    if (!owner) person.sessions.push(key);
    return true;
  }

  detachAll(keys: readonly string[]): Outcome {
    this.people = this.people.filter((person) => {
      const left = person.sessions.filter((key) => !keys.includes(key));
      const isGone = !this.isDurable && person.sessions.length > 0 && left.length === 0;
      person.sessions = left;
      return !isGone;
    });
    return this.#seeToAnAdmin();
  }

  merge(states: readonly MemberState[]): Outcome {
    const missing = states.filter(({ userId }) => !this.find(userId));
    for (const state of missing) this.people.push({ ...state, sessions: [] });
    if (missing.length === 0) return "ok";
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

  #seeToAnAdmin(): Outcome {
    if (!this.isSettled || this.#hasAdmin) return "ok";
    const heir =
      this.people.find(({ status }) => status === "active") ??
      this.people.find(({ status }) => status === "muted");
    if (!heir) {
      this.people = [];
      return "ok";
    }
    heir.role = "admin";
    heir.status = "active";
    return "ok";
  }
}
