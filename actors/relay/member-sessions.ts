import { Few } from "./few.ts";

/**
 * The sessions (devices) of users, by keys that no two sessions share. There is no set for a user
 * with one: most have one device.
 */
export class MemberSessions {
  readonly #users = new Few<string, string>();
  readonly #keys = new Few<string, string | Set<string>>();

  get isEmpty(): boolean {
    return this.#users.size === 0;
  }

  /** How many sessions a user has. */
  count(userId: string): number {
    const keys = this.#keys.get(userId);
    if (keys === undefined) return 0;
    return typeof keys === "string" ? 1 : keys.size;
  }

  /**
   * Adds a session; false when the user has it already.
   * @throws RangeError for a key of another user.
   */
  add(userId: string, key: string): boolean {
    const owner = this.#users.get(key);
    if (owner === userId) return false;
    if (owner !== undefined) {
      throw new RangeError(`key: expected one of no other user, received ${JSON.stringify(key)}`);
    }
    this.#users.set(key, userId);
    const keys = this.#keys.get(userId);
    if (keys === undefined) this.#keys.set(userId, key);
    else if (typeof keys === "string") this.#keys.set(userId, new Set([keys, key]));
    else keys.add(key);
    return true;
  }

  /** Removes a session; returns whose it was, undefined when there is none of the key. */
  remove(key: string): string | undefined {
    const userId = this.#users.get(key);
    if (userId === undefined) return undefined;
    this.#users.delete(key);
    const keys = this.#keys.get(userId);
    if (keys instanceof Set && keys.size > 1) keys.delete(key);
    else this.#keys.delete(userId);
    return userId;
  }

  /** Removes all sessions of a user. */
  removeAll(userId: string): void {
    const keys = this.#keys.get(userId) ?? [];
    this.#keys.delete(userId);
    for (const key of typeof keys === "string" ? [keys] : keys) this.#users.delete(key);
  }
}
