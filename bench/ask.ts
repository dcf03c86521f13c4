import { Actor, createSystem } from "#runtime";
import { measureRates } from "./rate.ts";
import { type BenchModule, millions, type Row, type Scale } from "./report.ts";

const inFlight = 50;

class Answerer extends Actor {
  value(): number {
    return 1;
  }
}

/** `ask` in a thread with 50 callers that each wait for one answer. */
export const ask: BenchModule = {
  name: "ask",
  async run(scale: Scale): Promise<Row[]> {
    const system = await createSystem({ threads: 0 });
    const ref = await system.spawn(Answerer);
    const each = scale === "full" ? 10_000 : 100;
    const caller = async (): Promise<void> => {
      for (let i = 0; i < each; i += 1) await ref.ask.value();
    };
    const rates = await measureRates(
      [
        {
          name: "ask",
          operations: each * inFlight,
          run: async () => {
            await Promise.all(Array.from({ length: inFlight }, caller));
          },
        },
      ],
      scale,
    );
    await system.stop();
    const rate = rates.get("ask") ?? Number.NaN;
    return [
      {
        what: "`ask` in a thread, 50 in flight",
        wanted: "2 M/s",
        measured: `${millions(rate)}/s`,
        met: rate >= 2e6,
      },
    ];
  },
};
