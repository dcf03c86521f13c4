import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Actor, type ActorRef, ReplyError, TroupeError } from "#runtime";
import type { Group } from "../../../actors/relay/group.ts";
import type { Intent } from "../../../actors/relay/intent.ts";
import type { RelayRouter } from "../../../actors/relay/router.ts";
import { type ShardAnswer, shardPrefix } from "../../../actors/relay/shard.ts";
import { create, createNew, find, foundBy, type RelayNode, RelayWorld } from "./shard-kit.ts";

/** What a shard says, one answer after the other, the last one again and again. */
class FakeShard extends Actor {
  readonly #answers: (() => ShardAnswer)[];
  readonly #asked: Intent[];

  constructor(answers: (() => ShardAnswer)[], asked: Intent[]) {
    super();
    this.#answers = answers;
    this.#asked = asked;
  }

  find(_groupId: string, intent: Intent): ShardAnswer {
    this.#asked.push(intent);
    const next = this.#answers.length > 1 ? this.#answers.shift() : this.#answers[0];
    return (next as () => ShardAnswer)();
  }
}

/** What a group says to `info`. */
class FakeGroup extends Actor {
  readonly #answer: () => unknown;

  constructor(answer: () => unknown) {
    super();
    this.#answer = answer;
  }

  info(_by: null): unknown {
    return this.#answer();
  }
}

interface Stage {
  readonly world: RelayWorld;
  readonly node: RelayNode;
  readonly router: RelayRouter;
  readonly asked: Intent[];
}

/** A node whose one shard gives the answers. */
async function stage(...answers: (() => ShardAnswer)[]): Promise<Stage> {
  const world = new RelayWorld();
  const node = await world.start(1, 0);
  const asked: Intent[] = [];
  const { kernel } = node.node;
  const options = { name: `${shardPrefix}1`, concurrency: 100 };
  await world.until(kernel.spawnHere(FakeShard, [answers, asked], options, null));
  return { world, node, router: node.router, asked };
}

async function groupThatSays(
  { world, node }: Stage,
  answer: () => unknown,
): Promise<ActorRef<Group>> {
  const ref = await world.until(node.node.kernel.spawnHere(FakeGroup, [answer], {}, null));
  return ref as unknown as ActorRef<Group>;
}

const wrongHome = (): ShardAnswer => ({ ok: false, code: "wrong_home" });

function ask({ router }: Stage): Promise<unknown> {
  return router.ask("chat", (group) => group.info(null));
}

describe("a router", () => {
  it("tries again while views differ, then says that the group cannot be reached", async () => {
    const on = await stage(wrongHome);
    const before = on.world.clock.now();
    const end = await on.world.until(on.router.find("chat", find));
    assert.equal(end.ok || end.code, "unavailable");
    const waited = on.world.clock.now() - before;
    assert.ok(waited >= 5_000 && waited < 5_600, `${waited} ms`);
    assert.ok(on.asked.length > 10 && on.asked.length < 30, `${on.asked.length} tries`);
  });

  it("says the same where there is no shard, in the time that it is given", async () => {
    const world = new RelayWorld();
    const node = await world.start(1, 0);
    const end = await world.until(node.router.find("chat", create, 700));
    assert.equal(end.ok || end.code, "unavailable");
    assert.ok(world.clock.now() < 800);
  });

  it("remembers where a group is, for those alone who want no more", async () => {
    const groups: ActorRef<Group>[] = [];
    const found = (): ShardAnswer => ({ ok: true, group: groups[0] as never, isNew: false });
    const on = await stage(wrongHome, found);
    groups.push(await groupThatSays(on, () => "info"));
    for (const intent of [find, find, create, find]) {
      const end = await on.world.until(on.router.find("chat", intent));
      assert.deepEqual(end, { ok: true, group: groups[0], isNew: false });
    }
    assert.deepEqual(on.asked, [find, find, create]);
    on.router.forget("chat");
    await on.world.until(on.router.find("chat", find));
    assert.equal(on.asked.length, 4);
  });

  it("remembers 10,000 groups, and forgets the one that it found first for one more", async () => {
    const groups: ActorRef<Group>[] = [];
    const on = await stage(() => ({ ok: true, group: groups[0] as never, isNew: false }));
    groups.push(await groupThatSays(on, () => "info"));
    const findAll = async (...names: string[]): Promise<number> => {
      const before = on.asked.length;
      for (const name of names) foundBy(await on.world.until(on.router.find(name, find)));
      return on.asked.length - before;
    };
    const names = Array.from({ length: 10_000 }, (_, n) => `group-${n}`);
    assert.equal(await findAll(...names), 10_000);
    assert.equal(await findAll("group-0", "group-1", "group-9999"), 0, "all are remembered");
    assert.equal(await findAll("one more"), 1);
    assert.equal(await findAll("group-1", "group-9999", "one more"), 0);
    assert.equal(await findAll("group-0"), 1, "it was forgotten");
    assert.equal(await findAll("group-1"), 1, "the next one was forgotten for it");
  });

  it("follows a group that has moved, and goes there the next time", async () => {
    const groups: ActorRef<Group>[] = [];
    const on = await stage(() => ({ ok: true, group: groups[0] as never, isNew: false }));
    let asked = 0;
    const moved = (): unknown => {
      asked += 1;
      return { moved: groups[1] };
    };
    groups.push(await groupThatSays(on, moved), await groupThatSays(on, () => "there"));
    assert.equal(await on.world.until(ask(on)), "there");
    assert.equal(await on.world.until(ask(on)), "there");
    assert.deepEqual([asked, on.asked.length], [1, 1]);
  });

  it("gives up on a group that moves in circles", async () => {
    const groups: ActorRef<Group>[] = [];
    const on = await stage(() => ({ ok: true, group: groups[0] as never, isNew: false }));
    groups.push(await groupThatSays(on, () => ({ moved: groups[0] })));
    const end = (await on.world.until(ask(on))) as { code: string };
    assert.equal(end.code, "unavailable");
  });

  it("looks for a group anew that is gone, as nothing has happened", async () => {
    const groups: ActorRef<Group>[] = [];
    let at = 0;
    const on = await stage(() => ({ ok: true, group: groups[at] as never, isNew: false }));
    groups.push(await groupThatSays(on, () => "old"), await groupThatSays(on, () => "new"));
    assert.equal(await on.world.until(ask(on)), "old");
    on.node.kill(groups[0] as ActorRef);
    at = 1;
    assert.equal(await on.world.until(ask(on)), "new");
  });

  it("passes on what a group throws, and that it may have begun", async () => {
    const groups: ActorRef<Group>[] = [];
    const on = await stage(() => ({ ok: true, group: groups[0] as never, isNew: false }));
    const refuse = (): never => {
      throw new ReplyError("of_its_own", "says the group");
    };
    groups.push(await groupThatSays(on, refuse));
    await assert.rejects(on.world.until(ask(on)), { code: "of_its_own" });
    const crash = (): never => {
      throw new TroupeError("broken", "it broke");
    };
    groups[0] = await groupThatSays(on, crash);
    on.router.forget("chat");
    await assert.rejects(on.world.until(ask(on)), { code: "actor_crashed" });
    assert.equal(on.asked.length, 2);
  });

  it("does not create twice what may have been created, and asks on for what may be asked twice", async () => {
    const never = (): ShardAnswer => new Promise(() => {}) as never;
    const groups: ActorRef<Group>[] = [];
    const found = (): ShardAnswer => ({ ok: true, group: groups[0] as never, isNew: false });
    const unclear = (): never => {
      throw new ReplyError("abandoned", "who knows");
    };
    const on = await stage(unclear, unclear, found);
    groups.push(await groupThatSays(on, () => "info"));
    const first = await on.world.until(on.router.find("chat", createNew));
    assert.equal(first.ok || first.code, "unavailable");
    assert.equal(on.asked.length, 1);
    assert.ok(foundBy(await on.world.until(on.router.find("chat", create))));
    assert.equal(on.asked.length, 3);
    const silent = await stage(never);
    const end = await silent.world.until(silent.router.find("chat", create));
    assert.equal(end.ok || end.code, "unavailable");
  });

  it("forgets what was on a node that is down", async () => {
    const world = new RelayWorld();
    const [one, other] = (await world.cluster(2)) as [RelayNode, RelayNode];
    const names = Array.from({ length: 10 }, (_, n) => `group-${n}`);
    for (const name of names) await world.until(one.router.find(name, create));
    world.crash(other);
    await world.met(1);
    const ends = await world.until(Promise.all(names.map((name) => one.router.find(name, find))));
    for (const end of ends) {
      if (end.ok) assert.notEqual(end.group.node, other.name);
      else assert.equal(end.code, "group_not_found");
    }
    assert.ok(ends.some(({ ok }) => !ok));
  });
});
