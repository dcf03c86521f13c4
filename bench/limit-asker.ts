import { Actor } from "#runtime";
import { type LimitedCall, RateLimits } from "../actors/limits/index.ts";

/** Asks the rate limits of its thread, as sessions do. */
export class LimitAsker extends Actor {
  readonly #limits = RateLimits.of(this.context);
  readonly #calls = new Map<string, LimitedCall[]>();
  readonly #users: number;
  #next = 0;

  constructor(users: number) {
    super();
    this.#users = users;
  }

  /** `inFlight` callers check `each` requests one after the other; without a type they check none. */
  async check(requestType: string, inFlight: number, each: number): Promise<void> {
    const calls = this.#callsOf(requestType);
    const caller = async (): Promise<void> => {
      for (let request = 0; request < each; request += 1) {
        this.#next = (this.#next + 7) % calls.length;
        const call = calls[this.#next] as LimitedCall;
        await (requestType === "" ? null : this.#limits.check(call));
      }
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
  }

  #callsOf(requestType: string): LimitedCall[] {
    let calls = this.#calls.get(requestType);
    if (calls === undefined) {
      const rest = { deviceId: null, ipAddress: null, assigns: {}, args: {} };
      calls = Array.from({ length: this.#users }, (_, user) => {
        return { service: "users", requestType, userId: `user-${user}`, ...rest };
      });
      this.#calls.set(requestType, calls);
    }
    return calls;
  }
}
