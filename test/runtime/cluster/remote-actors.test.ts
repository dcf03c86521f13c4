import assert from "node:assert/strict";
import { test } from "node:test";
import { Actor, type ActorRef, type Signal } from "../../../runtime/actor/index.ts";
import { ReplyError } from "../../../runtime/core/index.ts";
import { type TestNode, TestNodes } from "./two-nodes.ts";

const source = import.meta.url;

export class Echo extends Actor {
  static override readonly source: string = source;
  readonly told: unknown[] = [];

  echo(value: unknown): unknown {
    return value;
  }
  note(value: unknown): void {
    this.told.push(value);
  }
  list(): unknown[] {
    return this.told;
  }
  refuse(): void {
    throw new ReplyError("no_way", "not today", undefined, 1_500);
  }
  crash(): void {
    throw new Error("broken");
  }
  self_(): ActorRef {
    return this.self as ActorRef;
  }
  never(): Promise<void> {
    const signal = this.context.message?.signal;
    return new Promise((resolve) =>
      signal?.addEventListener("abort", () => {
        this.told.push("aborted");
        resolve();
      }),
    );
  }
  end(): void {
    this.context.stop();
  }
}

/** Is gone as soon as it has started. */
export class Mayfly extends Actor {
  static override readonly source: string = source;

  protected override init(): void {
    this.context.stop();
  }
}

export class Watcher extends Actor {
  readonly heard: Signal[] = [];

  observe(ref: ActorRef): void {
    this.context.watch(ref);
  }
  ignore(ref: ActorRef): void {
    this.context.unwatch(ref);
  }
  bind(ref: ActorRef): void {
    this.context.link(ref);
  }
  async make(node: string, options: object = {}): Promise<ActorRef> {
    return (await this.context.spawn(Echo, { node, ...options })) as ActorRef;
  }
  async makeMayfly(node: string): Promise<ActorRef> {
    return (await this.context.spawn(Mayfly, { node })) as ActorRef;
  }
  async stopIt(ref: ActorRef): Promise<void> {
    await this.context.stopChild(ref);
  }
  fail(): void {
    throw new Error("broken");
  }
  protected override onSignal(signal: Signal): void {
    this.heard.push(signal);
  }
  signals(): string[] {
    return this.heard.map(({ type, ref, reason }) => `${type} ${ref} ${reason.kind}`);
  }
}

/** The same actor as `node` names it. */
function seenFrom<A>(node: TestNode, owner: TestNode, ref: ActorRef<A>): ActorRef<A> {
  const { thread, id, incarnation, actorClass } = ref;
  const address = { node: owner.name, thread, id, incarnation };
  const { kernel } = node.kernel;
  return kernel.typed(kernel.ref(address), actorClass as typeof Echo) as ActorRef<A>;
}

async function started(nodes: TestNodes, options: object = {}) {
  const [one, other] = await nodes.pair(options);
  const echo = await other.kernel.spawn(Echo);
  const watcher = await one.kernel.spawn(Watcher, { trapExit: true, concurrency: 10 });
  const remote = seenFrom(one, other, echo);
  const lapse = (ms: number): Promise<void> => one.kernel.advance(ms);
  /** What comes of a promise within some virtual time. */
  const outcome = async <T>(promise: Promise<T>, ms = 100): Promise<T> => {
    let isOver = false;
    const settle = (): void => {
      isOver = true;
    };
    promise.then(settle, settle);
    for (let spent = 0; !isOver && spent < ms; spent += 1) await lapse(1);
    assert.ok(isOver, `nothing came within ${ms} ms`);
    return promise;
  };
  return { one, other, echo, watcher, remote, lapse, outcome };
}

test("tell and ask reach an actor of another node; refs come back as what they mean there", async () => {
  const nodes = new TestNodes();
  const { one, echo, remote, outcome } = await started(nodes);
  assert.equal(String(remote), `<other@127.0.0.1:9002.0.${remote.id}>`);
  assert.equal(remote.tell.note("first"), true);
  assert.deepEqual(await outcome(remote.ask.list()), ["first"]);
  const self = await outcome(remote.ask.self_());
  assert.ok(self.equals(remote), `${self}`);
  const mine = await one.kernel.spawn(Echo);
  const returned = (await outcome(remote.ask.echo({ ref: mine }))) as { ref: ActorRef };
  assert.ok(returned.ref.equals(mine));
  await assert.rejects(outcome(remote.ask.refuse()), {
    ...{ code: "no_way", message: "not today", retryAfterMs: 1_500 },
  });
  await assert.rejects(outcome(remote.ask.crash()), { code: "actor_crashed" });
  await assert.rejects(outcome(remote.ask.list()), { code: "no_actor" });
  assert.equal(echo.tell.note("late"), false);
});

test("an ask that is given up aborts its work there; one for nobody fails at once", async () => {
  const { other, echo, remote, lapse, outcome } = await started(new TestNodes());
  const asked = remote.askWith({ timeoutMs: 50 }).never();
  await assert.rejects(outcome(asked), { code: "ask_timeout" });
  await lapse(10);
  assert.deepEqual(await other.kernel.until(echo.ask.list()), ["aborted"]);
  const nobody = { node: remote.node, thread: 0, id: 999_999, incarnation: remote.incarnation };
  const unknown = remote.sender as never as { ref(address: object): ActorRef<Echo> };
  await assert.rejects(outcome(unknown.ref(nobody).ask.list()), { code: "no_actor" });
  const earlier = unknown.ref({ ...nobody, id: remote.id, incarnation: 1 });
  await assert.rejects(outcome(earlier.ask.list()), { code: "no_actor" });
});

test("a node that is not known cannot be reached, and nothing was sent", async () => {
  const { one, remote, outcome } = await started(new TestNodes());
  const { kernel } = one.kernel;
  const nowhere = kernel.ref({ node: "no@127.0.0.1:1", thread: 0, id: 20, incarnation: 1 });
  await assert.rejects(outcome((nowhere as ActorRef<Echo>).ask.list()), { code: "unreachable" });
  assert.equal((nowhere as ActorRef<Echo>).tell.note(1), false);
  assert.equal(kernel.deadLetters.counts().unreachable, 2);
  assert.deepEqual(await outcome(remote.ask.list()), []);
});

test("watchers hear of the end there, with its reason; unwatched ones do not", async () => {
  const { watcher, other, remote, lapse, outcome, one } = await started(new TestNodes());
  const second = await other.kernel.spawn(Echo);
  const secondRemote = seenFrom(one, other, second);
  watcher.tell.observe(remote);
  watcher.tell.observe(secondRemote);
  await lapse(20);
  watcher.tell.ignore(secondRemote);
  await lapse(20);
  second.tell.end();
  await assert.rejects(outcome(remote.ask.crash()), { code: "actor_crashed" });
  await lapse(20);
  assert.deepEqual(await outcome(watcher.ask.signals()), [`terminated ${remote} crash`]);
  // One that is gone already.
  watcher.tell.observe(remote);
  await lapse(20);
  assert.equal((await outcome(watcher.ask.signals()))[1], `terminated ${remote} no_actor`);
});

test("links hold across nodes, in both directions", async () => {
  const { watcher, echo, remote, lapse, outcome, one, other } = await started(new TestNodes());
  watcher.tell.bind(remote);
  await lapse(20);
  await assert.rejects(outcome(remote.ask.crash()), { code: "actor_crashed" });
  await lapse(20);
  assert.deepEqual(await outcome(watcher.ask.signals()), [`exit ${remote} crash`]);
  const second = await other.kernel.spawn(Echo);
  const third = await other.kernel.spawn(Watcher, { trapExit: true });
  watcher.tell.bind(seenFrom(one, other, second));
  watcher.tell.bind(seenFrom(one, other, third));
  await lapse(20);
  await assert.rejects(outcome(watcher.ask.fail()), { code: "actor_crashed" });
  await lapse(20);
  assert.equal(second.tell.note(1), false, "it went with the one that it was linked to");
  const [heard] = await other.kernel.until(third.ask.signals());
  assert.equal(heard, `exit <${one.name}.0.${watcher.id}> crash`);
  assert.equal(echo.tell.note(1), false);
});

test("an actor is spawned on another node where its module is allowed", async () => {
  const refusing = await started(new TestNodes());
  const refused = refusing.watcher.ask.make(refusing.other.name);
  await assert.rejects(refusing.outcome(refused), { code: "not_allowed" });
  const { watcher, other, outcome, lapse } = await started(new TestNodes(), {
    spawnModules: [new URL(".", source).href],
  });
  const child = (await outcome(watcher.ask.make(other.name))) as ActorRef<Echo>;
  assert.equal(child.node, other.name);
  child.tell.note("hello");
  assert.deepEqual(await outcome(child.ask.list()), ["hello"]);
  await outcome(watcher.ask.stopIt(child));
  await assert.rejects(outcome(child.ask.list()), { code: "no_actor" });
  const second = (await outcome(watcher.ask.make(other.name))) as ActorRef<Echo>;
  await assert.rejects(outcome(second.ask.crash()), { code: "actor_crashed" });
  await lapse(20);
  const heard = await outcome(watcher.ask.signals());
  assert.deepEqual(heard, [`terminated ${child} shutdown`, `terminated ${second} crash`]);
});

test("a child that is gone as soon as it has started is heard of", async () => {
  const { watcher, other, outcome, lapse } = await started(new TestNodes(), {
    spawnModules: [source],
  });
  const child = await outcome(watcher.ask.makeMayfly(other.name));
  await lapse(20);
  const [heard] = await outcome(watcher.ask.signals());
  assert.match(heard ?? "", new RegExp(`^terminated ${child} `));
});

test("a lost connection ends asks, watches, links and children, on both sides", async () => {
  const nodes = new TestNodes();
  const { one, other, watcher, remote, lapse, outcome } = await started(nodes, {
    spawnModules: [source],
  });
  const child = await outcome(watcher.ask.make(other.name));
  const linked = await other.kernel.spawn(Watcher, { trapExit: true });
  watcher.tell.observe(remote);
  watcher.tell.bind(seenFrom(one, other, linked));
  const asked = remote.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).never();
  await lapse(20);
  nodes.network.drop(one.name, other.name);
  await assert.rejects(outcome(asked), { code: "node_down" });
  const heard = await outcome(watcher.ask.signals());
  assert.deepEqual(
    heard.map((line) => line.split(" ").at(-1)),
    ["node_down", "node_down", "node_down"],
  );
  await lapse(50);
  const there = await other.kernel.until(linked.ask.signals());
  assert.deepEqual(there, [`exit <${one.name}.0.${watcher.id}> node_down`]);
  assert.equal(other.kernel.kernel.find(child.id), undefined, "the child went with its parent");
  // The next message makes a new connection.
  remote.tell.note("again");
  assert.deepEqual(await outcome(remote.ask.list()), ["aborted", "again"]);
  assert.deepEqual(one.cluster.connections, { opened: 1, accepted: 0 });
  assert.deepEqual(other.cluster.connections, { opened: 0, accepted: 1 });
});

test("a silent node is lost within the suspicion; nothing is left over", async () => {
  const nodes = new TestNodes();
  const { one, other, watcher, remote, lapse, outcome } = await started(nodes, {
    heartbeatMs: 100,
    suspicionMs: 1_000,
  });
  watcher.tell.observe(remote);
  const asked = remote.askWith({ timeoutMs: Number.POSITIVE_INFINITY }).never();
  await lapse(500);
  nodes.network.setBoth(one.name, other.name, "cut");
  await assert.rejects(outcome(asked, 1_001), { code: "node_down" });
  assert.equal((await outcome(watcher.ask.signals())).length, 1);
  await lapse(2_000);
  assert.equal(one.kernel.kernel.asks.pending, 0);
  assert.equal(other.kernel.kernel.asks.pending, 0);
  assert.deepEqual(other.cluster.connections, { opened: 0, accepted: 0 });
  nodes.network.heal();
  assert.deepEqual(await outcome(remote.ask.list(), 3_000), ["aborted"]);
});

test("when the row of a node goes, its connection goes; refs of its earlier life stay dead", async () => {
  const nodes = new TestNodes();
  const { one, other, remote, outcome, lapse } = await started(nodes);
  assert.deepEqual(await outcome(remote.ask.list()), []);
  one.forgets(other);
  await lapse(5);
  await assert.rejects(outcome(remote.ask.list()), { code: "unreachable" });
  nodes.network.crash(other.name);
  await other.cluster.close("crashed");
  const again = await nodes.start(other.name, 3_000);
  one.knows(again);
  await assert.rejects(outcome(remote.ask.list()), { code: "no_actor" });
});
