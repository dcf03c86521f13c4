import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "ws";
import { within } from "../deadline.ts";
import type { GatewayProcess, Scope } from "../gateway-process.ts";
import type { WireResponse } from "../phoenix-client.ts";
import type { Closed, Frame } from "../wire-client.ts";
import type { JoinAnswer, RelayGap, RelayMembership } from "./offset-record.ts";
import { OffsetRecord } from "./offset-record.ts";
import { type PresenceDiff, PresenceList, type PresenceState } from "./presence-list.ts";

/** A message as a member got it. */
export interface Heard {
  readonly epoch: string;
  readonly offset: number;
  /** Null: a service or an operator. */
  readonly from: string | null;
  readonly message: unknown;
  readonly requestId: string;
}

/** A page of `history`. */
export interface HistoryPage {
  readonly messages: readonly { readonly offset: number; readonly message: unknown }[];
  readonly has_more: boolean;
  readonly epoch: string;
  readonly offset: number;
}

/** Where a client connects. */
export type Door = Pick<GatewayProcess, "url">;

/** Who a {@link RelayClient} is, and which group it wants. */
export interface MemberOptions {
  readonly userId: string;
  readonly groupId: string;
  readonly deviceId?: string;
  /** More of the payload of each join: `type`, `meta`. */
  readonly payload?: object;
}

/** However slow the machine is; only what hangs takes so long. */
export const patientMs = 60_000;

/** Between two tries to come back. */
const againMs = 50;

const joinRef = "1";

/**
 * A member of a chat group, in the channel `chat:<group>` of the demo: one device that connects, may
 * be cut off, and comes back as a real client does, with the offset and epoch that it has seen. It
 * records all that it gets and holds it against {@link OffsetRecord}; {@link check} tells.
 */
export class RelayClient {
  readonly userId: string;
  readonly groupId: string;
  readonly record: OffsetRecord = new OffsetRecord();
  /** In the order in which they came. */
  readonly heard: Heard[] = [];
  readonly gaps: RelayGap[] = [];
  /** To each join that was let in. */
  readonly answers: JoinAnswer[] = [];
  readonly presence: PresenceList = new PresenceList();
  /** Ends of the channel that were pushed: `phx_close`, `phx_error`. */
  readonly ends: string[] = [];
  isJoined = false;
  /** Comes back by itself whenever its socket is closed. */
  comesBack = false;
  /** The last socket. */
  ws: WebSocket;
  /** Of the last socket. */
  closed: Promise<Closed>;
  readonly #options: MemberOptions;
  #door: Door;
  readonly #pending = new Map<string, (payload: unknown) => void>();
  readonly #looks = new Set<() => void>();
  #lastRef = 1;
  /** Whether the last join was for what was missed. */
  #asked = false;
  /** Set while it is on its way back. */
  #coming: Promise<JoinAnswer> | null = null;
  #isOver = false;

  private constructor(scope: Scope, door: Door, options: MemberOptions) {
    this.userId = options.userId;
    this.groupId = options.groupId;
    this.#options = options;
    this.#door = door;
    [this.ws, this.closed] = this.#connect();
    scope.after(() => {
      this.#isOver = true;
      this.ws.terminate();
    });
  }

  /** Connects and joins; it is gone with `scope`. Rejects when it is refused. */
  static async join(scope: Scope, door: Door, options: MemberOptions): Promise<RelayClient> {
    const client = new RelayClient(scope, door, options);
    await client.#opened();
    const reply = await client.#tryJoin({});
    if (reply.status !== "ok") throw new Error(`join: ${JSON.stringify(reply)}`);
    return client;
  }

  /** The last message that it got or was told to miss. */
  get offset(): number {
    return this.record.offset ?? 0;
  }

  get epoch(): string | null {
    return this.record.epoch;
  }

  // --- coming and going ----------------------------------------------------------------------

  /** Cuts the connection off, without a word; resolves when it is closed here. */
  async cut(): Promise<void> {
    this.ws.terminate();
    await this.closed;
  }

  /** The door that it takes from now on. */
  at(door: Door): void {
    this.#door = door;
  }

  /**
   * Connects anew, by another door if there is one, and joins with what it has seen: tries for as
   * long as nobody is there or the group is unavailable. Where it is in, it stays.
   */
  rejoin(door: Door = this.#door): Promise<JoinAnswer> {
    this.at(door);
    const coming =
      this.#coming ??
      this.#joinUntilIn().finally(() => {
        this.#coming = null;
      });
    this.#coming = coming;
    return within(coming, `${this.userId} comes back`, patientMs);
  }

  /** Leaves the channel, and with its last device a group that is not durable. */
  async leave(): Promise<void> {
    await this.#push("phx_leave", {});
    this.isJoined = false;
  }

  /** Reads nothing any more, until {@link resume}. */
  pause(): void {
    this.ws.pause();
  }

  resume(): void {
    this.ws.resume();
  }

  // --- calls ---------------------------------------------------------------------------------

  /** Calls a chat function for its group; null when channel or socket are closed before the answer. */
  async call(type: string, args: object = {}): Promise<WireResponse | null> {
    return this.callService("chat_service", type, { group_id: this.groupId, ...args });
  }

  /** Calls any function. */
  async callService(service: string, type: string, args: object): Promise<WireResponse | null> {
    const request_id = `${this.userId}_${this.#lastRef + 1}`;
    const reply = await this.#push("api", { service, request_type: type, request_id, args });
    return (reply as { readonly response: WireResponse } | null)?.response ?? null;
  }

  /** The result of a chat function; rejects when it fails. */
  async result<T = unknown>(type: string, args: object = {}): Promise<T> {
    const response = await this.call(type, args);
    if (response?.success) return response.result as T;
    throw new Error(`${type}: ${response?.code}: ${response?.error}`);
  }

  /** Sends a message; rejects when it is not relayed. */
  say(message: unknown): Promise<{ readonly offset: number; readonly recipients_count: number }> {
    return this.result("send_message", { message });
  }

  /** Sends a message; the Response, null when channel or socket are closed before it. */
  send(message: unknown): Promise<WireResponse | null> {
    return this.call("send_message", { message });
  }

  /** Messages of the history from one offset to another, page by page. */
  async history(from: number, to: number): Promise<HistoryPage["messages"]> {
    const found: HistoryPage["messages"][number][] = [];
    for (let before = to + 1; before > from; ) {
      const page = await this.result<HistoryPage>("history", { before, limit: 100 });
      found.unshift(...page.messages.filter(({ offset }) => offset >= from));
      const first = page.messages[0]?.offset;
      if (first === undefined || !page.has_more) break;
      before = first;
    }
    return found;
  }

  // --- what it has seen ----------------------------------------------------------------------

  /** Resolves when `isSo`; it is looked at again whenever something has come. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    const so = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
    });
    try {
      await within(so, what, patientMs);
    } catch (error) {
      const { epoch, offset, faults } = this.record;
      const seen = `at ${offset} of ${epoch}, ${this.heard.length} heard, faults: ${faults}`;
      throw new Error(`${this.userId}: ${seen}`, { cause: error });
    }
  }

  /** Resolves when it has the message of this offset of the present epoch, or knows that it misses it. */
  reaches(offset: number): Promise<void> {
    return this.until(`message ${offset}`, () => (this.record.offset ?? -1) >= offset);
  }

  /** What it said and heard must be in order: no message twice, none left out without a word. */
  check(): void {
    assert.deepEqual(this.record.faults, [], this.userId);
    assert.ok(this.record.isComplete, `${this.userId}: what was recovered has not all come`);
  }

  // --- the wire ------------------------------------------------------------------------------

  #connect(): [WebSocket, Promise<Closed>] {
    const { userId, deviceId } = this.#options;
    const who = new URLSearchParams({ vsn: "2.0.0", user_id: userId });
    if (deviceId !== undefined) who.set("device_id", deviceId);
    const ws = new WebSocket(`${this.#door.url}/websocket?${who}`, { perMessageDeflate: false });
    const closed = new Promise<Closed>((resolve) => {
      ws.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        if (ws === this.ws) this.#closed();
      });
    });
    ws.on("error", () => {});
    ws.on("message", (data) => {
      if (ws === this.ws) this.#receive(JSON.parse(String(data)) as Frame);
    });
    return [ws, closed];
  }

  /** Resolves when it is connected, rejects when it is not to be. */
  #opened(): Promise<void> {
    const { ws } = this;
    const opened = new Promise<void>((resolve, reject) => {
      ws.once("open", resolve);
      ws.once("error", reject);
    });
    return within(opened, `${this.userId} connects`, patientMs);
  }

  async #joinUntilIn(): Promise<JoinAnswer> {
    const { offset, epoch } = this.record;
    const seen = offset === null ? {} : { since: offset, epoch };
    for (;;) {
      if (this.isJoined) return this.answers.at(-1) as JoinAnswer;
      if (this.#isOver) throw new Error(`${this.userId}: the test is over`);
      const isOpen = await this.#reopened();
      const reply = isOpen ? await this.#tryJoin(seen) : { status: "closed" };
      if (reply.status === "ok") return this.answers.at(-1) as JoinAnswer;
      const code = (reply as { response?: { code?: string } }).response?.code;
      if (reply.status === "error" && code !== "unavailable") {
        throw new Error(`${this.userId}: join: ${JSON.stringify(reply)}`);
      }
      await pause(againMs);
    }
  }

  async #reopened(): Promise<boolean> {
    if (this.ws.readyState === WebSocket.OPEN) return true;
    this.ws.terminate();
    [this.ws, this.closed] = this.#connect();
    return this.#opened().then(
      () => true,
      () => false,
    );
  }

  /** Joins once; what it was asked is part of the record when it is let in. */
  async #tryJoin(seen: object): Promise<{ readonly status: string }> {
    this.presence.reset();
    const payload = { reply: "inline", ...this.#options.payload, ...seen };
    const { ws } = this;
    const reply = await this.#push("phx_join", payload, joinRef);
    if (reply === null || ws !== this.ws) return { status: "closed" };
    return reply as { readonly status: string };
  }

  /** What a push is answered with; null: channel or socket were closed. */
  #push(event: string, payload: object, as?: string): Promise<unknown> {
    this.#lastRef += 1;
    const ref = as ?? String(this.#lastRef);
    if (this.ws.readyState !== WebSocket.OPEN) return Promise.resolve(null);
    const answer = new Promise<unknown>((resolve) => this.#pending.set(ref, resolve));
    const frame = [joinRef, ref, `chat:${this.groupId}`, event, payload];
    if (event === "phx_join") this.#asked = "since" in payload;
    this.ws.send(JSON.stringify(frame));
    return within(answer, `${this.userId}: the answer to ${event}`, patientMs);
  }

  #receive([, ref, topic, event, payload]: Frame): void {
    if (event === "phx_reply") this.#replied(String(ref), payload);
    else if (topic === `chat:${this.groupId}`) this.#pushed(event, payload);
    for (const look of [...this.#looks]) look();
  }

  #replied(ref: string, payload: unknown): void {
    const settle = this.#pending.get(ref);
    this.#pending.delete(ref);
    const { status, response } = payload as { status: string; response: JoinAnswer };
    // Before the next frame: what was missed may be in it.
    if (ref === joinRef && status === "ok") {
      this.isJoined = true;
      this.answers.push(response);
      this.record.joined(response, this.#asked);
    }
    settle?.(payload);
  }

  #pushed(event: string, payload: unknown): void {
    if (event === "api") this.#heard(payload as WireResponse);
    else if (event === "relay_gap") {
      const gap = payload as RelayGap;
      if (gap.group_id !== this.groupId) return;
      this.gaps.push(gap);
      this.record.gap(gap);
    } else if (event === "relay_membership") {
      const { group_id, epoch, offset } = payload as RelayMembership;
      if (group_id === this.groupId && epoch !== undefined) this.record.accepted(epoch, offset);
    } else if (event === "presence_state") this.presence.state(payload as PresenceState);
    else if (event === "presence_diff") this.presence.diff(payload as PresenceDiff);
    else if (event.startsWith("phx_")) {
      this.ends.push(event);
      this.#end();
      if (event === "phx_error") this.#comeBack();
    }
  }

  #heard({ result, request_id: requestId }: WireResponse): void {
    const { group_id, offset, from_user_id, message } = result as {
      readonly group_id: string;
      readonly offset: number;
      readonly from_user_id: string | null;
      readonly message: unknown;
    };
    if (group_id !== this.groupId) return;
    if (!this.isJoined) this.record.faults.push(`message ${offset} before the join is answered`);
    const epoch = this.record.epoch ?? "";
    this.heard.push({ epoch, offset, from: from_user_id, message, requestId });
    this.record.message(offset);
  }

  /** Nothing is answered any more. */
  #end(): void {
    this.isJoined = false;
    for (const settle of [...this.#pending.values()]) settle(null);
    this.#pending.clear();
  }

  #closed(): void {
    this.#end();
    for (const look of [...this.#looks]) look();
    this.#comeBack();
  }

  #comeBack(): void {
    if (!this.comesBack || this.#isOver || this.#coming !== null) return;
    this.rejoin().catch((error: unknown) => {
      if (!this.#isOver) this.record.faults.push(`does not come back: ${error}`);
    });
  }
}
