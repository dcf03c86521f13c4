import { dispatch, type Ref, spawn as spawnNact, start } from "nact";
import { Actor, type ActorRef, createSystem } from "#runtime";
import { type Candidate, measureRates } from "./rate.ts";
import { type BenchModule, millions, type Row, type Scale } from "./report.ts";

const ringSize = 1_000;

/** Called by the last actor of a ring when a round of messages is over. */
let finished: () => void = () => {};

class RingActor extends Actor {
  #next: ActorRef<RingActor> | null = null;

  connect(next: ActorRef<RingActor>): void {
    this.#next = next;
  }

  pass(hopsLeft: number): void {
    if (hopsLeft === 0) finished();
    else this.#next?.tell.pass(hopsLeft - 1);
  }
}

/** Messages that go round a ring: `tokens` at once, until there were `operations` hops. */
function ring(
  name: string,
  tokens: number,
  operations: number,
  send: (index: number, hops: number) => void,
): Candidate {
  return {
    name,
    operations,
    async run(): Promise<void> {
      await new Promise<void>((resolve) => {
        let running = tokens;
        finished = () => {
          running -= 1;
          if (running === 0) resolve();
        };
        for (let index = 0; index < tokens; index += 1) send(index, operations / tokens);
      });
    },
  };
}

async function troupeRing(): Promise<{ refs: ActorRef<RingActor>[]; stop: () => Promise<void> }> {
  const system = await createSystem({ threads: 0 });
  const refs: ActorRef<RingActor>[] = [];
  for (let i = 0; i < ringSize; i += 1) refs.push(await system.spawn(RingActor));
  for (const [i, ref] of refs.entries()) {
    ref.tell.connect(refs[(i + 1) % ringSize] as ActorRef<RingActor>);
  }
  return { refs, stop: () => system.stop() };
}

function nactRing(): Ref<number>[] {
  const system = start();
  const refs: Ref<number>[] = [];
  for (let i = 0; i < ringSize; i += 1) {
    const next = (): Ref<number> => refs[(i + 1) % ringSize] as Ref<number>;
    refs.push(
      spawnNact(system, (state = {}, hopsLeft: number) => {
        if (hopsLeft === 0) finished();
        else dispatch(next(), hopsLeft - 1);
        // An actor of nact that returns no state stops.
        return state;
      }),
    );
  }
  return refs;
}

/** `tell` in a thread, around a ring of 1,000 actors, beside nact in the same run. */
export const tell: BenchModule = {
  name: "tell",
  async run(scale: Scale): Promise<Row[]> {
    const { refs, stop } = await troupeRing();
    const nact = nactRing();
    const hops = scale === "full" ? 1_000_000 : 10_000;
    const toTroupe = (index: number, left: number) => refs[index]?.tell.pass(left);
    const toNact = (index: number, left: number) => dispatch(nact[index] as Ref<number>, left);
    const rates = await measureRates(
      [
        ring("troupe, 1,000 in flight", ringSize, hops, toTroupe),
        ring("troupe, 1 in flight", 1, hops, toTroupe),
        ring("nact, 1,000 in flight", ringSize, hops / 10, toNact),
        ring("nact, 1 in flight", 1, hops / 100, toNact),
      ],
      scale,
    );
    await stop();
    const rate = (name: string): number => rates.get(name) ?? Number.NaN;
    return ["1,000 in flight", "1 in flight"].flatMap((load) => {
      const own = rate(`troupe, ${load}`);
      const ratio = own / rate(`nact, ${load}`);
      return [
        {
          what: `\`tell\` in a thread, ring of 1,000 actors, ${load}`,
          wanted: load === "1 in flight" ? "" : "10 M msg/s",
          measured: `${millions(own)} msg/s`,
          met: load === "1 in flight" ? null : own >= 10e6,
        },
        {
          what: `the same against nact (${millions(rate(`nact, ${load}`))} msg/s)`,
          wanted: "20 ×",
          measured: `${ratio.toFixed(1)} ×`,
          met: ratio >= 20,
        },
      ];
    });
  },
};
