import assert from "node:assert/strict";
import type { ActorRef } from "../../../runtime/actor/index.ts";
import { toErrorRecord } from "../../../runtime/core/index.ts";
import type { LedgerLife, SimulatedNode, Watch } from "./simulated-node.ts";

/** Failures that say that the message was not taken. */
const notTaken = ["unreachable", "link_full", "no_actor", "actor_stopped", "mailbox_full"];
/** Failures that leave open whether it was. */
const unknown = ["node_down", "abandoned"];
/** An ask fails as soon as its node is lost, not when its time is over: this does not come. */
const longMs = 60_000;
const briefMs = 300;
/** More than goes in one piece. */
const padding = "x".repeat(100_000);

interface Sent {
  readonly id: number;
  readonly from: SimulatedNode;
  readonly target: ActorRef;
  readonly kind: "tell" | "ask" | "brief_ask";
  /** Of a tell: whether it was taken for delivery. Of an ask: how often it had an outcome. */
  outcomes: number;
  /** The code of its failure; `ok` for an answer. */
  code: string | null;
}

/** What was sent, watched and taken in one schedule, and what must hold of it. */
export class History {
  readonly ledgers: LedgerLife[] = [];
  readonly watches: Watch[] = [];
  readonly #sent: Sent[] = [];

  tell(from: SimulatedNode, target: ActorRef, isLarge = false): void {
    const sent = this.#begin(from, target, "tell");
    const args = [from.life, sent.id, ...(isLarge ? [padding] : [])];
    if (!from.kernel.send(target, "take", args)) sent.code = "unreachable";
  }

  /** Resolves with the code of its failure, or `ok`. */
  ask(
    from: SimulatedNode,
    target: ActorRef,
    how: "ask" | "slow_ask" | "brief_ask" = "ask",
  ): Promise<string> {
    const sent = this.#begin(from, target, how === "brief_ask" ? how : "ask");
    const method = how === "ask" ? "take" : "takeSlowly";
    const timeoutMs = how === "brief_ask" ? briefMs : longMs;
    const settle = (code: string): string => {
      sent.outcomes += 1;
      sent.code = code;
      return code;
    };
    return from.kernel.request(target, method, [from.life, sent.id], { timeoutMs }).then(
      (answer) => settle(answer === sent.id ? "ok" : "the answer to another ask"),
      (error) => settle(toErrorRecord(error).code),
    );
  }

  /** Messages of one turn, some of them large. */
  burst(from: SimulatedNode, target: ActorRef): void {
    for (let n = 0; n < 12; n += 1) {
      if (n % 3 === 2) void this.ask(from, target);
      else this.tell(from, target, n % 4 === 1);
    }
  }

  /** Each ask has its outcome, and nothing was taken twice, late, by another, or against its outcome. */
  check(): void {
    const takenBy = new Map<number, LedgerLife>();
    for (const ledger of this.ledgers) {
      const last = new Map<string, number>();
      for (const { from, id } of ledger.taken) {
        assert.ok(!takenBy.has(id), `message ${id} was taken twice`);
        takenBy.set(id, ledger);
        const before = last.get(from) ?? 0;
        assert.ok(id > before, `${ledger.ref} took message ${id} of ${from} after ${before}`);
        last.set(from, id);
      }
    }
    for (const sent of this.#sent) checkSent(sent, takenBy.get(sent.id));
  }

  /** Each watch has fired once, or is of an actor that lives. */
  checkWatches(): void {
    for (const { node, target, record } of this.watches) {
      if (!node.isAlive) continue;
      const signals = record.signals.map(({ type }) => type);
      const isLiving = this.ledgers.some((it) => it.isAlive && isOf(it, target));
      const expected = isLiving && signals.length === 0 ? [] : ["terminated"];
      assert.deepEqual(signals, expected, `${node.life} watched ${target}`);
    }
  }

  #begin(from: SimulatedNode, target: ActorRef, kind: Sent["kind"]): Sent {
    const sent: Sent = { id: this.#sent.length + 1, from, target, kind, outcomes: 0, code: null };
    this.#sent.push(sent);
    return sent;
  }
}

/** Whether the ref, as another node has it, is of that very actor. */
export function isOf({ node, ref }: LedgerLife, target: ActorRef): boolean {
  return (
    node.name === target.node && ref.id === target.id && ref.incarnation === target.incarnation
  );
}

function checkSent({ id, from, target, kind, outcomes, code }: Sent, taker?: LedgerLife): void {
  const what = `${kind} ${id} of ${from.life} to ${target}`;
  if (taker !== undefined)
    assert.ok(isOf(taker, target), `${what} was taken by ${taker.node.life}`);
  if (kind !== "tell" && from.isAlive)
    assert.equal(outcomes, 1, `${what} had ${outcomes} outcomes`);
  if (code === "ok") assert.ok(taker !== undefined, `${what} was answered, and taken by nobody`);
  else if (code !== null && notTaken.includes(code)) {
    assert.equal(taker, undefined, `${what} failed with ${code}, and was taken`);
  } else if (code !== null) {
    const isLate = kind === "brief_ask" && code === "ask_timeout";
    assert.ok(isLate || unknown.includes(code), `${what} failed with ${code}`);
  }
}
