import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { within } from "../deadline.ts";
import { patientMs, type RelayClient } from "./relay-client.ts";

/** A message that was acknowledged. */
export interface Relayed {
  readonly offset: number;
  readonly message: string;
}

/** Between two messages of a sender: the gateways shall have something else to do as well. */
const pauseMs = 5;

let lastMessage = 0;

/** Members who send one message after the other, each waiting for the answer before the next. */
export class Chatter {
  readonly relayed: Relayed[] = [];
  /** How often a message was answered with which code; `lost`: the socket was closed before. */
  readonly codes: Map<string, number> = new Map();
  readonly #senders: readonly RelayClient[];
  readonly #counts: Map<RelayClient, number> = new Map();
  readonly #runs: Promise<void>;
  #isOver = false;

  constructor(senders: readonly RelayClient[]) {
    this.#senders = senders;
    this.#runs = Promise.all(senders.map((sender) => this.#run(sender))).then(() => {});
  }

  /** Resolves when every sender has had so many more messages relayed. */
  async more(count: number, senders: readonly RelayClient[] = this.#senders): Promise<void> {
    const wanted = senders.map((sender) => [sender, this.#countOf(sender) + count] as const);
    for (const [sender, least] of wanted) {
      const what = `${sender.userId} sends ${count} more to ${sender.groupId}`;
      await sender.until(what, () => this.#countOf(sender) >= least);
    }
  }

  /** Ends it; what has been sent by then is answered. */
  async end(): Promise<void> {
    this.#isOver = true;
    await within(this.#runs, "the last messages are answered", patientMs);
  }

  #countOf(sender: RelayClient): number {
    return this.#counts.get(sender) ?? 0;
  }

  async #run(sender: RelayClient): Promise<void> {
    while (!this.#isOver) {
      if (!sender.isJoined) {
        await sender.until("it is in again", () => sender.isJoined || this.#isOver);
        continue;
      }
      lastMessage += 1;
      const message = `${sender.userId}: ${lastMessage}`;
      const response = await sender.send(message);
      const code = response?.success ? "ok" : (response?.code ?? "lost");
      this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
      if (response?.success) {
        this.relayed.push({ offset: (response.result as Relayed).offset, message });
        this.#counts.set(sender, this.#countOf(sender) + 1);
      }
      await pause(pauseMs);
    }
  }
}

/** Each of the messages is where it was said to be, and nowhere else. */
export function checkRelayed(
  relayed: readonly Relayed[],
  found: readonly { readonly offset: number; readonly message: unknown }[],
  whose: string,
): void {
  const places = new Map<unknown, number[]>();
  for (const { offset, message } of found) {
    places.set(message, [...(places.get(message) ?? []), offset]);
  }
  for (const { offset, message } of relayed) {
    assert.deepEqual(places.get(message), [offset], `${whose}: ${message}`);
  }
  for (const [message, offsets] of places) {
    assert.equal(offsets.length, 1, `${whose}: ${message} at ${offsets}`);
  }
}

/** Each of the messages is there once, wherever: where two copies met, its place may be another one. */
export function checkSaid(
  relayed: readonly Relayed[],
  found: readonly { readonly message: unknown }[],
  whose: string,
): void {
  const counts = new Map<unknown, number>();
  for (const { message } of found) counts.set(message, (counts.get(message) ?? 0) + 1);
  for (const { message } of relayed) assert.equal(counts.get(message), 1, `${whose}: ${message}`);
  for (const [message, count] of counts) assert.equal(count, 1, `${whose}: ${message}`);
}

/** Every offset from the first to the last, each once, in order. */
export function checkWhole(
  found: readonly { readonly offset: number }[],
  first: number,
  last: number,
  whose: string,
): void {
  assert.deepEqual(
    found.map(({ offset }) => offset),
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
    whose,
  );
}
