import assert from "node:assert/strict";
import { ManualClock, MemoryNetwork, StepScheduler } from "#runtime/testing";
import type { ActorRef } from "../../../runtime/actor/index.ts";
import { parseClusterOptions } from "../../../runtime/cluster/cluster-config.ts";
import { seededRandom } from "../../../runtime/core/index.ts";
import { History } from "./history.ts";
import { type Act, type Schedule, type Sending, scheduleMs } from "./schedule.ts";
import { SimulatedNode } from "./simulated-node.ts";

/** How long after the healing the nodes may take to know all of each other again. */
const convergenceMs = 5_000;
/** The longest that anything takes: a handshake that hung, and its end. */
const hangingMs = 5_600;
/** How long what is short may take: a message to a neighbour, the word of an end. */
const shortMs = 300;
/** Until nothing is left of a beginning: what was asked in it is forgotten, what was lacking told. */
const settleMs = 1_500;
/** What a goodbye may take. */
const goodbyeMs = 1_500;
/** How long a question to a neighbour and its answer take at most. */
const answerMs = 10;
/** How often it is looked whether the nodes know each other. */
const lookMs = 100;

/** What must be the same before the faults and after them. */
interface Footprint {
  readonly openSides: number;
  readonly timers: readonly number[];
  readonly actors: readonly (readonly string[])[];
  readonly pendingAsks: readonly number[];
}

/** Some nodes, what a schedule does to them, and whether they stand it. */
export class Simulation {
  /** How long it took after the healing until all nodes knew all of each other. */
  convergedInMs = 0;
  readonly #schedule: Schedule;
  readonly #clock = new ManualClock();
  readonly #steps: StepScheduler;
  readonly #network: MemoryNetwork;
  readonly #names: readonly string[];
  readonly #nodes: (SimulatedNode | null)[] = [];
  readonly #history = new History();

  constructor(schedule: Schedule) {
    const { seed, nodes } = schedule;
    this.#schedule = schedule;
    this.#steps = new StepScheduler(seed);
    this.#network = new MemoryNetwork(this.#clock, seededRandom(seed), {
      ...{ latencyMs: 0.5, jitterMs: 1 },
    });
    this.#names = Array.from({ length: nodes }, (_, n) => `n${n}@sim:${9_000 + n}`);
  }

  /** Runs the schedule, heals everything, and checks. @throws AssertionError. */
  async run(): Promise<void> {
    for (const n of this.#names.keys()) await this.#start(n);
    await this.#converge("at the beginning");
    await this.#pass(settleMs);
    const before = this.#footprint();
    const beganAt = this.#clock.now();
    for (const { atMs, act } of this.#schedule.steps) {
      await this.#pass(beganAt + atMs - this.#clock.now());
      await this.#do(act);
    }
    await this.#pass(beganAt + scheduleMs - this.#clock.now());
    await this.#heal();
    const healedAt = this.#clock.now();
    await this.#converge("after the healing");
    this.convergedInMs = this.#clock.now() - healedAt;
    await this.#pass(healedAt + hangingMs - this.#clock.now());
    this.#history.check();
    this.#history.checkWatches();
    await this.#killAll();
    this.#history.checkWatches();
    assert.deepEqual(this.#footprint(), before, "something is left");
    await this.#leaveAll();
  }

  /** What happened, for who looks into a failure: what the present lives of the nodes have logged. */
  story(): string {
    const lives = this.#nodes.map((node) => [node?.life, ...(node?.logLines ?? [])].join("\n  "));
    return [...lives, `${this.#steps.taken} steps, ${this.#clock.now()} ms`].join("\n");
  }

  async #start(n: number): Promise<void> {
    const [first, ...others] = this.#names;
    const options = parseClusterOptions({
      name: this.#names[n] as string,
      cookie: "of the simulation",
      // Those that start later hear of each other through the first; it knows them all.
      join: n === 0 ? others : [first as string],
      ...{ heartbeatMs: 500, suspicionMs: 2_000 },
    });
    const world = {
      ...{ clock: this.#clock, steps: this.#steps, network: this.#network },
      seed: this.#schedule.seed,
    };
    const node = new SimulatedNode(world, options);
    this.#nodes[n] = node;
    await this.#steps.until(node.start());
    this.#noteLedger(node);
  }

  #noteLedger({ ledger }: SimulatedNode): void {
    if (ledger !== null) this.#history.ledgers.push(ledger);
  }

  async #do(act: Act): Promise<void> {
    switch (act.type) {
      case "send":
        await this.#send(act);
        break;
      case "kill_actor":
        this.#nodes[act.node]?.killLedger();
        this.#later(act.forMs, async () => this.#restartLedger(act.node));
        break;
      case "crash":
        this.#crash(act.node, act.forMs);
        break;
      case "drop":
        this.#network.drop(this.#name(act.from), this.#name(act.to));
        break;
      case "tear":
        this.#network.tear(this.#name(act.from), this.#name(act.to));
        break;
      default:
        this.#break(act);
    }
    await this.#steps.settle();
  }

  async #send({ what, from, to, whom }: Sending): Promise<void> {
    const node = this.#nodes[from];
    if (node === null || node === undefined) return;
    const target = this.#targetOf(node, this.#name(to), whom);
    if (target === undefined) return;
    const history = this.#history;
    if (what === "tell") history.tell(node, target);
    else if (what === "burst") history.burst(node, target);
    else if (what !== "watch") void history.ask(node, target, what);
    else history.watches.push(await this.#steps.until(node.watch(target)));
  }

  #targetOf(node: SimulatedNode, name: string, whom: Sending["whom"]): ActorRef | undefined {
    const present = node.kernel.whereis("ledger", name);
    const isUp = node.kernel.nodes.get(name) !== undefined;
    assert.ok(isUp || present === undefined, `${node.name} has names of ${name}, which is down`);
    if (whom === "present") return present;
    const lives = this.#history.ledgers.filter((it) => it.node.name === name);
    const ref = lives.at(whom === "last" ? -1 : 0)?.ref;
    return ref && node.kernel.ref({ ...addressOf(ref), node: name });
  }

  #break({ type, from, to, bothWays, forMs }: Extract<Act, { bothWays: boolean }>): void {
    const ways = bothWays ? [[from, to] as const, [to, from] as const] : [[from, to] as const];
    for (const [one, other] of ways) {
      const [source, sink] = [this.#name(one), this.#name(other)];
      if (type === "slow") this.#network.setDelay(source, sink, { latencyMs: 400, jitterMs: 600 });
      else this.#network.set(source, sink, type === "cut" ? "cut" : "held");
      this.#later(forMs, async () => {
        if (type !== "slow") this.#network.set(source, sink, "whole");
        else this.#network.setDelay(source, sink, { latencyMs: 0.5, jitterMs: 1 });
      });
    }
  }

  #crash(n: number, forMs: number): void {
    const node = this.#nodes[n];
    if (node === null || node === undefined) return;
    node.crash();
    this.#nodes[n] = null;
    this.#later(forMs, async () => this.#restart(n));
  }

  async #restart(n: number): Promise<void> {
    if (this.#nodes[n] === null) await this.#start(n);
  }

  async #restartLedger(n: number): Promise<void> {
    const node = this.#nodes[n];
    if (node === null || node === undefined || node.ledger !== null) return;
    await this.#steps.until(node.startLedger());
    this.#noteLedger(node);
  }

  readonly #due: { readonly at: number; readonly act: () => Promise<void> }[] = [];

  /** Not by a timer: what it does may take steps. */
  #later(ms: number, act: () => Promise<void>): void {
    this.#due.push({ at: this.#clock.now() + ms, act });
    this.#due.sort((one, other) => one.at - other.at);
  }

  async #heal(): Promise<void> {
    this.#due.length = 0;
    this.#network.heal();
    for (const n of this.#names.keys()) {
      await this.#restart(n);
      await this.#restartLedger(n);
    }
  }

  /** Lets time pass, one due time after the other. */
  async #pass(ms: number): Promise<void> {
    const until = this.#clock.now() + Math.max(0, ms);
    await this.#steps.settle();
    for (;;) {
      const due = this.#due[0];
      const nextAt = Math.min(
        this.#clock.now() + (this.#clock.nextDueInMs ?? Number.POSITIVE_INFINITY),
        due?.at ?? Number.POSITIVE_INFINITY,
      );
      if (nextAt > until) break;
      this.#clock.advance(Math.max(0, nextAt - this.#clock.now()));
      if (due !== undefined && due.at <= this.#clock.now()) {
        this.#due.shift();
        await due.act();
      }
      await this.#steps.settle();
    }
    this.#clock.advance(Math.max(0, until - this.#clock.now()));
    await this.#steps.settle();
  }

  /** Waits until every node knows all of every other, and reaches it. */
  async #converge(when: string): Promise<void> {
    const giveUpAt = this.#clock.now() + convergenceMs;
    let lacks = ["time"];
    while (lacks.length > 0 && this.#clock.now() < giveUpAt) {
      await this.#pass(lookMs);
      lacks = this.#lacks();
      if (lacks.length === 0) lacks = await this.#askAll();
    }
    assert.deepEqual(lacks, [], `what the nodes do not know of each other ${when}`);
  }

  /** Every node asks every other; who gets no answer. */
  async #askAll(): Promise<string[]> {
    const silent = new Set<string>();
    for (const [node, other] of this.#pairs()) {
      const ref = node.kernel.whereis("ledger", other.name) as ActorRef;
      const name = `${node.name} gets no answer of ${other.name}`;
      silent.add(name);
      void this.#history.ask(node, ref).then((code) => code === "ok" && silent.delete(name));
    }
    await this.#pass(answerMs);
    return [...silent];
  }

  /** What of a node is not known at another one, or wrongly. */
  #lacks(): string[] {
    return this.#pairs().flatMap(([{ name, kernel }, other]) => {
      const { kernel: there, ledger } = other;
      const isUp = kernel.nodes.get(other.name)?.incarnation === there.incarnation;
      const ref = kernel.whereis("ledger", other.name);
      const isNamed = ref?.id === ledger?.ref.id && ref?.incarnation === there.incarnation;
      const members = kernel.groups.members("ledgers").filter(({ node }) => node === other.name);
      const isMember = members.length === 1 && members[0]?.equals(ref as ActorRef);
      return [
        ...(isUp ? [] : [`${name} has no ${other.name} in its nodes`]),
        ...(isNamed ? [] : [`${name} has ${ref} as the ledger of ${other.name}`]),
        ...(isMember ? [] : [`${name} has ${members} as the group of ${other.name}`]),
      ];
    });
  }

  #pairs(): [SimulatedNode, SimulatedNode][] {
    const living = this.#living();
    return living.flatMap((node) =>
      living
        .filter((other) => other !== node)
        .map((other): [SimulatedNode, SimulatedNode] => [node, other]),
    );
  }

  /** The end of the watched is heard of everywhere. */
  async #killAll(): Promise<void> {
    for (const node of this.#living()) node.killLedger();
    await this.#pass(shortMs);
    for (const { node, probe } of this.#history.watches) {
      if (!node.isAlive) continue;
      node.kernel.signal(probe, { type: "kill", reason: { kind: "killed", message: "by a test" } });
    }
    for (const n of this.#names.keys()) await this.#restartLedger(n);
    await this.#pass(shortMs);
  }

  /** Nodes that leave leave nothing. */
  async #leaveAll(): Promise<void> {
    for (const node of this.#living()) {
      const left = node.kernel.request(node.cluster, "leave", ["the end"], {});
      await this.#pass(lookMs);
      await this.#steps.until(left);
    }
    await this.#pass(goodbyeMs);
    assert.equal(this.#network.openSides, 0, "connections of nodes that have left");
    const timers = this.#living().map(({ mortal }) => mortal.pendingTimers);
    assert.deepEqual([...new Set(timers)], [0], "timers of nodes that have left");
  }

  #footprint(): Footprint {
    const living = this.#living();
    return {
      openSides: this.#network.openSides,
      timers: living.map(({ mortal }) => mortal.pendingTimers),
      actors: living.map(({ kernel }) => [...kernel.cells()].map(({ info }) => info.name).sort()),
      pendingAsks: living.map(({ kernel }) => kernel.asks.pending),
    };
  }

  #living(): SimulatedNode[] {
    return this.#nodes.filter((node) => node !== null);
  }

  #name(n: number): string {
    return this.#names[n] as string;
  }
}

function addressOf({ thread, id, incarnation }: ActorRef) {
  return { thread, id, incarnation };
}
