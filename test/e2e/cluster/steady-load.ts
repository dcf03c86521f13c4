import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { eventually, within } from "../deadline.ts";
import type { Scope } from "../gateway-process.ts";
import { WireClient } from "../wire-client.ts";
import type { ClusterNode } from "./cluster-node.ts";

/** Functions of `ledger-service.ts` by turns, and that of `sequence-service.ts`. */
type Type = "record" | "repeat" | "take";

/** A call and its one outcome. */
export interface Outcome {
  readonly id: string;
  readonly type: Type;
  /** `ok`, or the code of the failure. */
  readonly code: string;
  /** The process that answered. */
  readonly pid: number | null;
}

/** No two calls of a test file have the same id; they grow with the time of the call. */
let lastId = 0;

const clientCount = 4;
const lanesEach = 4;
/** Between two calls of a lane: nodes that notice a loss shall not have to wait for a processor. */
const pauseMs = 10;

/** Failures that say that the function did not run. */
const notRun = ["unavailable", "circuit_open", "queue_full"];
/** Failures that leave open whether it did. */
const unknown = ["outcome_unknown", "timeout"];

/**
 * Clients that go on calling, a few calls at a time, each with an id of its own: one client a service
 * that one node has, in a sequence that must be kept; the others a service that several nodes have,
 * by turns a function that may run again and one that may not.
 */
export class SteadyLoad {
  readonly outcomes: Outcome[] = [];
  readonly #clients: WireClient[];
  readonly #lanes: Promise<unknown>;
  #isEnough = false;
  #begun = 0;

  private constructor(clients: WireClient[]) {
    this.#clients = clients;
    this.#lanes = Promise.all(
      clients.flatMap((client, n) =>
        Array.from({ length: lanesEach }, () => this.#lane(client, n === 0)),
      ),
    );
  }

  /** Begins to call. */
  static async begin(scope: Scope, gateway: ClusterNode): Promise<SteadyLoad> {
    const joined = Array.from({ length: clientCount }, () => WireClient.join(scope, gateway));
    return new SteadyLoad(await Promise.all(joined));
  }

  /** Resolves when calls that are begun from now on are answered by each of the processes. */
  async reaches(...nodes: ClusterNode[]): Promise<void> {
    const before = lastId;
    const pids = nodes.map(({ process }) => process.pid);
    const isLater = ({ id }: Outcome): boolean => Number(id) > before;
    await eventually(
      async () => [...new Set(this.outcomes.filter(isLater).map(({ pid }) => pid))],
      (seen) => pids.every((pid) => seen.includes(pid)),
      `calls are answered by ${pids}`,
    );
  }

  /** Resolves when so many more calls have had their outcomes. */
  async more(count: number): Promise<void> {
    const until = this.outcomes.length + count;
    await eventually(
      async () => this.outcomes.length,
      (length) => length >= until,
      `${count} more outcomes`,
    );
  }

  /** Ends when what was begun has its outcome. */
  async end(): Promise<void> {
    this.#isEnough = true;
    await within(this.#lanes, "every call has an outcome");
    for (const { tally, ws, isClosed } of this.#clients) {
      assert.deepEqual([isClosed, tally.lost, tally.strays], [false, 0, 0]);
      ws.close();
    }
  }

  /** How many calls ended with each code; of those of one function, or of all. */
  codes(...types: readonly Type[]): Record<string, number> {
    const codes: Record<string, number> = {};
    for (const { type, code } of this.outcomes) {
      if (types.length === 0 || types.includes(type)) codes[code] = (codes[code] ?? 0) + 1;
    }
    return codes;
  }

  /** What the nodes have noted agrees with what the clients were told. */
  check(nodes: readonly ClusterNode[]): void {
    const runsOf: Record<Type, Map<string, number>> = {
      record: countEach(nodes.flatMap((node) => node.lines("recorded.txt"))),
      repeat: countEach(nodes.flatMap((node) => node.lines("repeated.txt"))),
      take: countEach(nodes.flatMap((node) => node.lines("sequence.txt"))),
    };
    for (const type of ["record", "take"] as const) {
      for (const [id, count] of runsOf[type]) assert.equal(count, 1, `${id} ran ${count} times`);
    }
    const taken = [...runsOf.take.keys()].map(Number);
    assert.deepEqual(
      taken,
      [...taken].sort((one, other) => one - other),
    );
    assert.equal(new Set(this.outcomes.map(({ id }) => id)).size, this.#begun);
    for (const { id, type, code } of this.outcomes) {
      const runs = runsOf[type].get(id) ?? 0;
      const what = `${type} ${id} ended with ${code} and ran ${runs} times`;
      if (code === "ok") assert.ok(runs > 0, what);
      else if (notRun.includes(code)) assert.ok(type === "repeat" || runs === 0, what);
      else assert.ok(unknown.includes(code), what);
    }
  }

  async #lane(client: WireClient, isSequence: boolean): Promise<void> {
    const service = isSequence ? "sequence_service" : "ledger_service";
    while (!this.#isEnough) {
      this.#begun += 1;
      lastId += 1;
      const id = String(lastId);
      const type = isSequence ? "take" : lastId % 2 ? "record" : "repeat";
      const response = await client.call(service, type, { id });
      assert.ok(response !== null, "the gateway is never lost");
      const { success, code = "none", result } = response;
      this.outcomes.push({
        ...{ id, type, code: success ? "ok" : code },
        pid: success ? Number(result) : null,
      });
      await pause(pauseMs);
    }
  }
}

function countEach(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
