import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Presence as OfficialPresence } from "phoenix";
import {
  encodePresenceDiff,
  encodePresenceState,
  nextPresenceNo,
  PresenceChanges,
  type PresenceDiff,
  PresenceReplica,
  type PresenceState,
  type PresentSession,
  selectPresence,
} from "../../../actors/relay/presence.ts";
import { pack, unpack } from "../../../runtime/actor/packing.ts";

/** User ids that an object has as keys of its own, that JSON quotes, or that objects reorder. */
const userIds = ["ann", "__proto__", "constructor", "toString", "10", "2", 'q"\n\\', "", "é💬"];

/** Who is here, sorted by user: each with the numbers of its sessions, in order. */
type Listed = readonly (readonly [userId: string, sessions: readonly unknown[]])[];

const sorted = (listed: Listed): Listed => [...listed].sort(([a], [b]) => (a < b ? -1 : 1));

const listState = (state: PresenceState): Listed =>
  sorted([...state].map(([userId, metas]) => [userId, metas.map((meta) => meta["n"])]));

/** The official client's presence of a channel that hears what the test says. */
class Client {
  readonly #heard = new Map<string, (payload: unknown) => void>();
  #joins = 0;
  readonly presence = new OfficialPresence({
    on: (event, heard) => this.#heard.set(event, heard).size,
    joinRef: () => `${this.#joins}`,
  });

  /** It joins, or joins again with what it knew. */
  join(state: string): void {
    this.#joins += 1;
    this.#heard.get("presence_state")?.(JSON.parse(state));
  }

  hear(diff: string): void {
    this.#heard.get("presence_diff")?.(JSON.parse(diff));
  }

  list(): Listed {
    return sorted(
      this.presence.list((userId, { metas }) => [userId, metas.map((meta) => meta["n"])] as const),
    );
  }
}

/** A group's sessions, and what of them is untold. */
class Sessions {
  readonly here = new Map<string, PresentSession>();
  #changes = new PresenceChanges();

  track(userId: string, key: string, meta: PresentSession["meta"], device?: string): void {
    this.untrack(key);
    const deviceId = device ?? null;
    const session = { userId, deviceId, meta, onlineAt: 1_700_000_000, no: nextPresenceNo() };
    this.here.set(key, session);
    this.#changes.join(session);
  }

  untrack(key: string): void {
    const session = this.here.get(key);
    if (session === undefined) return;
    this.here.delete(key);
    this.#changes.leave(session);
  }

  takeDiff(): PresenceDiff | null {
    const diff = this.#changes.diff();
    this.#changes = new PresenceChanges();
    return diff;
  }

  state(): PresenceState {
    return selectPresence(this.here.values());
  }
}

/** Sessions as a plain list. */
class NaivePresence {
  here: { userId: string; key: string; n: number }[] = [];

  untrack(key: string): void {
    this.here = this.here.filter((session) => session.key !== key);
  }

  list(): Listed {
    const ids = [...new Set(this.here.map(({ userId }) => userId))];
    return sorted(
      ids.map((id) => [id, this.here.filter(({ userId }) => userId === id).map(({ n }) => n)]),
    );
  }
}

const carried = <T>(value: T): T => unpack(pack(value), {} as never) as T;

const userId = fc.constantFrom(...userIds);
const key = fc.integer({ min: 0, max: 11 }).map(String);
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("track" as const), userId, key }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("untrack" as const), key }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("take" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("client" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("replica" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("rejoin" as const), which: fc.nat(5) }) },
);

test("state, replicas and official clients always list who was here at the last diff", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: "max" }), (steps) => {
      const presence = new Sessions();
      const naive = new NaivePresence();
      let told = naive.list();
      let tracks = 0;
      const replicas = [new PresenceReplica()];
      const clients: Client[] = [];
      const stateText = (): string => (replicas[clients.length % replicas.length] ?? oops()).text();
      const take = (): void => {
        const diff = presence.takeDiff();
        if (diff === null) {
          assert.deepEqual(naive.list(), told);
          return;
        }
        told = naive.list();
        for (const replica of replicas) replica.apply(carried(diff));
        for (const client of clients) client.hear(encodePresenceDiff(diff));
      };
      for (const one of steps) {
        if (one.type === "track") {
          tracks += 1;
          presence.track(one.userId, one.key, { n: tracks, phx_ref: "mine" });
          naive.untrack(one.key);
          naive.here.push({ ...one, n: tracks });
        } else if (one.type === "untrack") {
          presence.untrack(one.key);
          naive.untrack(one.key);
        } else if (one.type === "take") {
          take();
        } else if (one.type === "client") {
          const client = new Client();
          client.join(stateText());
          clients.push(client);
        } else if (one.type === "replica") {
          const replica = new PresenceReplica();
          take();
          replica.set(carried(presence.state()));
          replicas.push(replica);
        } else {
          clients[one.which]?.join(stateText());
        }
        assert.deepEqual(listState(presence.state()), naive.list());
        for (const replica of replicas) {
          assert.equal(replica.text(), replica.text());
          const client = new Client();
          client.join(replica.text());
          assert.deepEqual(client.list(), told);
        }
        for (const client of clients) assert.deepEqual(client.list(), told);
      }
    }),
    { numRuns: 300 },
  );
});

function oops(): never {
  throw new Error("there is always a replica");
}

test("the official client hears of each session that came and each that went, once", () => {
  const presence = new Sessions();
  const client = new Client();
  const heard: string[] = [];
  client.presence.onJoin((id, before, now) => {
    heard.push(`+${id} ${before?.metas.length ?? 0} ${now.metas.map((meta) => meta["device_id"])}`);
  });
  client.presence.onLeave((id, left, gone) => {
    heard.push(`-${id} ${left.metas.length} ${gone.metas.map((meta) => meta["device_id"])}`);
  });
  client.join(encodePresenceState(presence.state()));
  const tell = (): void => client.hear(encodePresenceDiff(presence.takeDiff() ?? oops()));

  presence.track("ann", "1", {}, "phone");
  presence.track("__proto__", "2", {}, "tv");
  tell();
  presence.track("ann", "3", {}, "laptop");
  presence.untrack("2");
  tell();
  presence.untrack("1");
  presence.untrack("3");
  tell();
  assert.deepEqual(heard, [
    "+ann 0 phone",
    "+__proto__ 0 tv",
    "+ann 1 laptop",
    "-__proto__ 0 tv",
    "-ann 0 phone,laptop",
  ]);
});

test("a session that came and went between two diffs is in none", () => {
  const presence = new Sessions();
  presence.track("ann", "1", {});
  presence.untrack("1");
  assert.equal(presence.takeDiff(), null);
  presence.track("ann", "1", {});
  presence.track("bob", "2", {});
  presence.untrack("1");
  const diff = presence.takeDiff() as PresenceDiff;
  assert.deepEqual([...diff.joins.keys()], ["bob"]);
  assert.equal(diff.leaves.size, 0);
  assert.equal(presence.takeDiff(), null);
  presence.untrack("1");
  assert.equal(presence.takeDiff(), null);
});

test("refs are unique over groups and over groups that were built anew", () => {
  const refs = new Set<string>();
  for (const presence of [new Sessions(), new Sessions()]) {
    for (let i = 0; i < 100; i += 1) presence.track(`user ${i % 7}`, `${i}`, { phx_ref: "mine" });
    for (const metas of presence.takeDiff()?.joins.values() ?? []) {
      for (const meta of metas) refs.add(meta.phx_ref);
    }
  }
  assert.equal(refs.size, 200);
  assert.equal(refs.has("mine"), false);
});

test("the wire form is Phoenix's", () => {
  const ann = { phx_ref: "r1", device_id: "phone", online_at: 1_700_000_000 };
  const joins = new Map([
    ["ann", [ann]],
    ["__proto__", [{ phx_ref: "r2" }, { phx_ref: "r3" }]],
  ]);
  const state =
    '{"ann":{"metas":[{"phx_ref":"r1","device_id":"phone","online_at":1700000000}]},' +
    '"__proto__":{"metas":[{"phx_ref":"r2"},{"phx_ref":"r3"}]}}';
  assert.equal(encodePresenceState(joins), state);
  assert.equal(encodePresenceDiff({ joins, leaves: new Map() }), `{"joins":${state},"leaves":{}}`);
});

test("a replica does not change what it was given, and nothing it was given changes it", () => {
  const replica = new PresenceReplica();
  const state = new Map([["ann", [{ phx_ref: "1" }]]]);
  replica.set(state);
  const joins = new Map([["ann", [{ phx_ref: "2" }]]]);
  replica.apply({ joins, leaves: new Map([["bob", [{ phx_ref: "9" }]]]) });
  assert.deepEqual(state, new Map([["ann", [{ phx_ref: "1" }]]]));
  assert.deepEqual(joins, new Map([["ann", [{ phx_ref: "2" }]]]));
  state.clear();
  assert.equal(replica.text(), '{"ann":{"metas":[{"phx_ref":"1"},{"phx_ref":"2"}]}}');
});

test("a replica that is told again what it knows, or set anew, lists each session once", () => {
  const replica = new PresenceReplica();
  const joins = new Map([["ann", [{ phx_ref: "1" }, { phx_ref: "2" }]]]);
  const leaves = new Map([["ann", [{ phx_ref: "1" }]]]);
  for (let i = 0; i < 2; i += 1) replica.apply({ joins, leaves: new Map() });
  assert.equal(replica.text(), '{"ann":{"metas":[{"phx_ref":"1"},{"phx_ref":"2"}]}}');
  for (let i = 0; i < 2; i += 1) replica.apply({ joins: new Map(), leaves });
  assert.equal(replica.text(), '{"ann":{"metas":[{"phx_ref":"2"}]}}');
  replica.set(new Map([["bob", [{ phx_ref: "3" }]]]));
  assert.equal(replica.text(), '{"bob":{"metas":[{"phx_ref":"3"}]}}');
});
