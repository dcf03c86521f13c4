import type { WindowRule } from "../../../actors/limits/window-store.ts";

/** The plainest sliding window there is: every admitted time, looked through at each request. */
export class NaiveLog {
  readonly #times = new Map<string, number[]>();

  /** Whether the request is admitted, and else until when it has to wait, and for which rule. */
  admit(
    rules: readonly WindowRule[],
    values: readonly string[],
    now: number,
  ): { readonly ok: boolean; readonly index: number; readonly retryAfterMs: number } {
    let index = -1;
    let retryAfterMs = 0;
    for (const [place, rule] of rules.entries()) {
      const inWindow = this.inWindow(rule, values[place] ?? "", now);
      if (inWindow.length < rule.maxRequests) continue;
      const freed = inWindow[inWindow.length - rule.maxRequests] ?? Number.NaN;
      const wait = freed + rule.windowMs - now;
      if (index < 0 || wait > retryAfterMs) {
        index = place;
        retryAfterMs = wait;
      }
    }
    if (index >= 0) return { ok: false, index, retryAfterMs };
    for (const [place, rule] of rules.entries()) this.#of(rule, values[place] ?? "").push(now);
    return { ok: true, index, retryAfterMs };
  }

  giveBack(rules: readonly WindowRule[], values: readonly string[], at: number): void {
    for (const [place, rule] of rules.entries()) {
      const times = this.#of(rule, values[place] ?? "");
      const found = times.lastIndexOf(at);
      if (found >= 0) times.splice(found, 1);
    }
  }

  inWindow(rule: WindowRule, value: string, now: number): number[] {
    return this.#of(rule, value).filter((time) => time + rule.windowMs > now);
  }

  forget(rule: WindowRule, value: string): void {
    this.#of(rule, value).length = 0;
  }

  #of(rule: WindowRule, value: string): number[] {
    const key = JSON.stringify([rule.number, value]);
    const times = this.#times.get(key) ?? [];
    this.#times.set(key, times);
    return times;
  }
}
