import { costRow, type LoadedServers, measureCosts } from "./gateway-load.ts";
import { RelayLoad } from "./relay-load.ts";
import type { RelaySide } from "./relay-protocols.ts";
import type { BenchModule, Row, Scale } from "./report.ts";
import { ServerProcess } from "./server-process.ts";

const modules: Readonly<Record<RelaySide, string>> = {
  bare: "./relay-ws-server.ts",
  gateway: "./relay-gateway-server.ts",
  socketio: "./relay-socketio-server.ts",
};
const mebibyte = 1_024 * 1_024;
/** What garbage that waits for its collection may make of difference. */
const slackBytes = 32 * mebibyte;
/** As many as the limit of groups for a user allows. */
const groupsEach = 100;

/** The servers that were asked for and their clients, which end with `measure`. */
async function withServers<Side extends RelaySide>(
  sides: readonly Side[],
  measure: (servers: Readonly<Record<Side, ServerProcess>>, load: RelayLoad) => Promise<Row[]>,
): Promise<Row[]> {
  const load = await RelayLoad.start();
  const started: [Side, ServerProcess][] = [];
  try {
    for (const side of sides) started.push([side, await ServerProcess.start(modules[side])]);
    return await measure(Object.fromEntries(started) as Record<Side, ServerProcess>, load);
  } finally {
    await load.stop();
    for (const [, server] of started) await server.stop();
  }
}

function measureDeliveries(scale: Scale): Promise<Row[]> {
  const [members, durationMs, rounds] = scale === "full" ? [100, 2_000, 7] : [10, 100, 1];
  return withServers(["bare", "gateway", "socketio"], async (servers, load) => {
    const loaded = async (side: RelaySide): Promise<LoadedServers> => {
      await load.connect(side, servers[side], members);
      const run = (window: number, runMs: number): Promise<number> =>
        load.run(side, window, { durationMs: runMs });
      return { servers: [servers[side]], load: { run } };
    };
    const sides = {
      bare: await loaded("bare"),
      gateway: await loaded("gateway"),
      socketio: await loaded("socketio"),
    };
    const rows: Row[] = [];
    // Many messages first: with one in flight there are too few to warm up what handles them.
    for (const window of [16, 1]) {
      const costs = await measureCosts(sides, window, durationMs, rounds);
      const what =
        `CPU of a delivery in a group of ${members}, ${window} ` +
        `${window === 1 ? "message" : "messages"} in flight (bare \`ws\` broadcast ` +
        `${costs.bare.toFixed(2)} µs)`;
      const gain = costs.socketio / costs.gateway;
      rows.push(costRow(what, costs.gateway, costs.bare, 0.75), {
        what: `deliveries per CPU second against a Socket.IO room (${costs.socketio.toFixed(2)} µs)`,
        wanted: "5 ×",
        measured: `${gain.toFixed(1)} ×`,
        met: gain >= 5,
      });
    }
    return rows;
  });
}

function measureLargeGroup(scale: Scale): Promise<Row[]> {
  const [members, parts, messages] = scale === "full" ? [10_000, 10, 10] : [200, 2, 5];
  return withServers(["gateway"], async ({ gateway }, load) => {
    await load.connect("gateway", gateway, members);
    await load.run("gateway", 4, { messages });
    const samples: number[] = [];
    let deliveries = 0;
    for (let part = 0; part < parts; part += 1) {
      deliveries += await load.run("gateway", 4, { messages });
      samples.push(await gateway.rss());
    }
    const peak = (from: number, to: number): number => Math.max(...samples.slice(from, to));
    const [first, second] = [peak(0, parts / 2), peak(parts / 2, parts)];
    const wantedDeliveries = members * parts * messages;
    const shown = [first, second].map((bytes) => Math.round(bytes / mebibyte));
    return [
      {
        what:
          `${parts * messages} messages to a group of ${members.toLocaleString("en")}, memory of the ` +
          "process (highest of the first half → of the second)",
        wanted: "each reaches all, flat",
        measured: `${deliveries.toLocaleString("en")} deliveries in order, ${shown.join(" → ")} MiB`,
        met: deliveries === wantedDeliveries && second - first <= slackBytes,
      },
    ];
  });
}

type MakeGroups = (name: string, users: number) => Promise<void>;

async function measureIdleGroups(
  scale: Scale,
  member: string,
  makerOf: (gateway: ServerProcess, load: RelayLoad) => MakeGroups,
): Promise<Row[]> {
  const users = scale === "full" ? 100 : 2;
  const groups = users * groupsEach;
  return withServers(["gateway"], async ({ gateway }, load) => {
    const make = makerOf(gateway, load);
    const some = Math.ceil(users / 2);
    await load.own(gateway, "owner", users);
    await load.own(gateway, "first", some);
    // Some beforehand, so that what is kept for good (code, grown tables) is not taken for theirs.
    await make("first", some);
    const before = (await gateway.call("held")) as number;
    await make("owner", users);
    const bytesEach = (((await gateway.call("held")) as number) - before) / groups;
    return [
      {
        what:
          `idle group of a member ${member}, memory of the scheduler thread, ` +
          `${groups.toLocaleString("en")} of them`,
        wanted: "≤ 2 KiB",
        measured: `${(bytesEach / 1_024).toFixed(2)} KiB`,
        met: bytesEach <= 2_048,
      },
    ];
  });
}

const groupsOfConnected =
  (_gateway: ServerProcess, load: RelayLoad): MakeGroups =>
  (name) =>
    load.create(name, groupsEach);

const groupsOfAbsent =
  (gateway: ServerProcess): MakeGroups =>
  async (name, users) => {
    await gateway.call("create", name, users, groupsEach);
  };

/** Messages to the members of a group, beside what else there is to do it with. */
export const relay: BenchModule = {
  name: "relay",
  async run(scale: Scale): Promise<Row[]> {
    return [
      ...(await measureDeliveries(scale)),
      ...(await measureLargeGroup(scale)),
      ...(await measureIdleGroups(scale, "without a session", groupsOfAbsent)),
      ...(await measureIdleGroups(scale, "with a session", groupsOfConnected)),
    ];
  },
};
