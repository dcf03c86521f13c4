import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Actor, ReplyError, toErrorRecord } from "#runtime";
import { testKernel } from "#runtime/testing";
import type { Claim } from "../../../actors/relay/fanout-messages.ts";
import type { MemberState } from "../../../actors/relay/group-kind.ts";
import type { GroupOrigin, MemberOperation } from "../../../actors/relay/group-messages.ts";
import type { GroupState } from "../../../actors/relay/group-state.ts";
import { type StoreWrite, storeName } from "../../../actors/relay/store.ts";
import { GroupKit } from "./group-kit.ts";
import { storage } from "./store-kit.ts";

/** A disk that takes what is written when it is told to. */
class SlowDisk {
  isHeld = false;
  isFull = false;
  readonly writes: StoreWrite[] = [];
  #waiting: (() => void)[] = [];

  write(write: StoreWrite): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        if (this.isFull) reject(new ReplyError("unavailable", "the disk is full"));
        else resolve(void this.writes.push(write));
      };
      if (this.isHeld) this.#waiting.push(end);
      else end();
    });
  }

  /** Takes what waits. */
  release(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const end of waiting) end();
  }
}

const origin: GroupOrigin = {
  ...{ type: "new", kind: "strict_private", isDurable: true, creator: "ann" },
};

async function start(
  disk: SlowDisk,
  sync: "full" | "interval" = "full",
  from: GroupOrigin = origin,
): Promise<GroupKit> {
  class Store extends Actor {
    write(write: StoreWrite): Promise<void> {
      return disk.write(write);
    }
  }
  const kernel = testKernel();
  await kernel.spawn(Store, { name: storeName, concurrency: 1_000 });
  const settings = { storage: storage("nowhere", { sync }) };
  return GroupKit.start(from, settings, 2, kernel);
}

/** What a promise has come to by now. */
async function outcomeOf(kit: GroupKit, promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = "waits";
  promise.then(
    () => {
      outcome = "done";
    },
    (error: unknown) => {
      outcome = toErrorRecord(error).code;
    },
  );
  await kit.settle();
  return outcome;
}

const changes: readonly (readonly [MemberOperation, string])[] = [
  ...([
    ["accept", "bob"] as const,
    ["mute", "bob"],
    ["unmute", "bob"],
    ["promote", "bob"],
  ] as const),
  ...([["demote", "bob"] as const, ["remove", "bob"]] as const),
];

describe("with sync full a change of members is acknowledged when it is on disk", () => {
  it("whatever it is; others hear of it before", async () => {
    const disk = new SlowDisk();
    const kit = await start(disk);
    await kit.enter(0, 1, "bob");
    for (const [operation, userId] of changes) {
      disk.isHeld = true;
      const answer = kit.group.ask.operate(operation, "ann", userId);
      assert.equal(await outcomeOf(kit, answer), "waits", operation);
      const again = kit.group.ask.operate(operation, "ann", userId);
      if (operation !== "remove") assert.equal(await outcomeOf(kit, again), "waits", operation);
      disk.isHeld = false;
      disk.release();
      assert.deepEqual(await outcomeOf(kit, answer), "done", operation);
    }
    const written = disk.writes.flatMap(({ members, removed }) => [
      ...(members ?? []).map(({ role, status }) => `${role} ${status}`),
      ...(removed ?? []).map(({ userId }) => `${userId} removed`),
    ]);
    assert.deepEqual(written, [
      ...["member pending", "member active", "member muted", "member active"],
      ...["admin active", "member active", "bob removed"],
    ]);
    assert.equal(kit.fanout(0).sessions.size, 0, "bob's session has left");
  });

  it("a join that makes a member too, on every device, and not one of a member that is there", async () => {
    const disk = new SlowDisk();
    const kit = await start(disk);
    disk.isHeld = true;
    await kit.enter(0, 1, "bob");
    await kit.enter(1, 1, "bob");
    const answers = (): number[] => [0, 1].map((index) => kit.fanout(index).answers.length);
    assert.deepEqual(answers(), [0, 0]);
    disk.release();
    await kit.settle();
    assert.deepEqual(answers(), [1, 1]);
    await kit.enter(1, 2, "bob");
    assert.deepEqual(answers(), [1, 2]);
    assert.equal(disk.writes.length, 2, "the group, and bob");
  });

  it("leaving, and the end of the group", async () => {
    const disk = new SlowDisk();
    const kit = await start(disk);
    await kit.enter(0, 1, "bob");
    for (const [ask, left] of [
      [() => kit.group.ask.leave("bob"), "bob"],
      [() => kit.group.ask.delete("ann"), null],
    ] as const) {
      disk.isHeld = true;
      const answer = ask();
      assert.equal(await outcomeOf(kit, answer), "waits");
      disk.isHeld = false;
      disk.release();
      assert.equal(await outcomeOf(kit, answer), "done");
      const { removed, delete: isDeleted } = disk.writes.at(-1) as StoreWrite;
      if (left === null) assert.equal(isDeleted, true);
      else
        assert.deepEqual(
          removed?.map(({ userId }) => userId),
          [left],
        );
    }
  });

  it("and so is the group itself", async () => {
    const disk = new SlowDisk();
    disk.isHeld = true;
    await assert.rejects(start(disk), /the promise is pending/);
    await start(new SlowDisk());
    const full = new SlowDisk();
    full.isFull = true;
    await assert.rejects(start(full), { code: "start_failed" });
  });

  it("and when the disk fails nothing is acknowledged, nor changed until it is back", async () => {
    const disk = new SlowDisk();
    const kit = await start(disk);
    for (const userId of ["bob", "cem"]) {
      await kit.enter(0, userId === "bob" ? 1 : 2, userId);
      await kit.kernel.until(kit.group.ask.operate("accept", "ann", userId));
    }
    disk.isFull = true;
    const muted = kit.group.ask.operate("mute", "ann", "bob");
    assert.equal(await outcomeOf(kit, muted), "outcome_unknown");
    assert.equal((await kit.summary("bob"))?.status, "muted", "it counts, and is tried again");
    const refused = await kit.kernel.until(kit.group.ask.operate("mute", "ann", "cem"));
    assert.equal("code" in refused && refused.code, "unavailable");
    assert.equal((await kit.summary("cem"))?.status, "active");
    await kit.enter(0, 3, "dan");
    assert.deepEqual(kit.fanout(0).refusals, ["unavailable"]);
    await kit.enter(0, 4, "cem");
    assert.equal(kit.fanout(0).refusals.length, 1, "who is a member comes in");
    disk.isFull = false;
    await kit.advance(1_000);
    assert.deepEqual(
      disk.writes.at(-1)?.replace?.members.map(({ userId, status }) => [userId, status]),
      [
        ["ann", "active"],
        ["bob", "muted"],
        ["cem", "active"],
      ],
    );
    assert.equal(await outcomeOf(kit, kit.group.ask.operate("mute", "ann", "cem")), "done");
  });
});

it("with sync interval no change of members waits for the disk", async () => {
  const disk = new SlowDisk();
  disk.isHeld = true;
  const kit = await start(disk, "interval");
  await kit.enter(0, 1, "bob");
  for (const [operation, userId] of changes) {
    const answer = kit.group.ask.operate(operation, "ann", userId);
    assert.equal(await outcomeOf(kit, answer), "done", operation);
  }
  assert.deepEqual(disk.writes, []);
});

describe("a durable group that was on the disk while it went on elsewhere", () => {
  const of = (userId: string, given: Partial<MemberState> = {}): MemberState => ({
    ...{ userId, role: "member", status: "active", joinedAt: 1, version: 2 },
    ...given,
  });
  const state: GroupState = {
    ...{ groupId: "room", kind: "strict_private", isDurable: true, epoch: "e", offset: 0 },
    createdAt: 1,
    members: [of("ann", { role: "admin", version: 3 }), of("bob"), of("cem"), of("dan")],
    messages: [],
  };
  const stored: GroupOrigin = { type: "stored", state, isSuspect: false };
  const claim = (members: readonly MemberState[]): Claim => ({
    ...{ groupId: "room", kind: "strict_private", isDurable: true, epoch: "e", offset: 0 },
    members: members.map((one, index) => ({
      ...one,
      sessions: [{ session: index + 1, deviceId: null, meta: {}, isOfTopic: true }],
    })),
  });

  it("takes what was decided there, tells who is here, and keeps it", async () => {
    const disk = new SlowDisk();
    const kit = await start(disk, "full", stored);
    await kit.enter(0, 1, "bob");
    await kit.enter(0, 2, "cem");
    const members = [
      of("ann", { role: "admin", version: 3 }),
      of("cem", { status: "muted", version: 9 }),
    ];
    const copy = { ...state, members, removed: [{ userId: "bob", removedAt: 9 }] };
    disk.isHeld = true;
    const merging = kit.group.ask.merge(copy);
    assert.equal(await outcomeOf(kit, merging), "waits", "the other copy goes only then");
    disk.release();
    assert.equal(await outcomeOf(kit, merging), "done");
    assert.deepEqual([...kit.fanout(0).sessions.keys()], [2], "bob's session has left");
    assert.equal(kit.fanout(0).members.get("cem")?.status, "muted");
    const written = disk.writes.at(-1)?.replace;
    assert.deepEqual(written?.removed, copy.removed);
    assert.deepEqual(
      written?.members.map(({ userId, status }) => [userId, status]),
      [
        ["ann", "active"],
        ["cem", "muted"],
        ["dan", "active"],
      ],
    );
  });

  it("finds an admin when both sides have taken the rights of the other's", async () => {
    const kit = await start(new SlowDisk(), "full", { type: "moved", state });
    const members = [of("ann", { version: 5 }), of("dan", { role: "admin", version: 1 })];
    await kit.kernel.until(kit.group.ask.merge({ ...state, members }));
    assert.equal((await kit.summary("ann"))?.role, "admin", "the longest-standing one");
  });

  it("believes a claim that tells of later decisions, not one of earlier ones", async () => {
    const kit = await start(new SlowDisk(), "full", stored);
    const other = claim([of("dan", { joinedAt: 2, status: "muted", version: 9 })]);
    kit.group.tell.reenter(kit.fanout(1).ref, other);
    await kit.settle();
    assert.equal((await kit.summary("dan"))?.status, "active", "of another membership");
    const later = claim([
      of("bob", { status: "muted", version: 9 }),
      of("cem", { version: 1, status: "pending" }),
    ]);
    kit.group.tell.reenter(kit.fanout(0).ref, later);
    await kit.settle();
    assert.equal((await kit.summary("bob"))?.status, "muted");
    assert.equal((await kit.summary("cem"))?.status, "active");
    const send = await kit.send("cem");
    assert.deepEqual(send, { ok: true, recipients: 3, offset: 1 });
  });

  it("brings nobody back by a claim who was removed, though it believes all others", async () => {
    const removed = [{ userId: "eve", removedAt: 5 }];
    const origin = { ...stored, state: { ...state, removed } };
    const kit = await start(new SlowDisk(), "full", origin);
    kit.group.tell.reenter(kit.fanout(0).ref, claim([of("eve"), of("fay")]));
    await kit.settle();
    assert.equal(await kit.summary("eve"), null);
    assert.equal((await kit.summary("fay"))?.status, "active");
  });
});
