import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { eventually, within } from "../deadline.ts";
import { type GatewayProcess, type Scope, testScope } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { readGroup } from "./group-on-disk.ts";
import { patientMs, RelayClient } from "./relay-client.ts";
import { RelayFolder } from "./relay-gateway.ts";

const groupId = "board";
const names = ["ada", "bob", "cid", "dan", "eve"] as const;

/** An admin, two members, a muted one, a second admin, and one whom nobody has let in. */
interface Board {
  readonly ada: RelayClient;
  readonly bob: RelayClient;
  readonly cid: RelayClient;
  readonly dan: RelayClient;
  readonly eve: RelayClient;
  /** Those whom messages reach. */
  readonly insiders: readonly RelayClient[];
}

function folderOf(scope: Scope, sync: "full" | "interval"): RelayFolder {
  return new RelayFolder(
    scope,
    {
      messagesPerSecond: null,
      history: { messages: 10_000 },
      storage: { path: "groups.sqlite", sync },
    },
    { create: "strict_private", durable: true },
  );
}

async function found(t: TestContext, gateway: GatewayProcess): Promise<Board> {
  const clients: RelayClient[] = [];
  for (const userId of names) clients.push(await RelayClient.join(t, gateway, { userId, groupId }));
  const [ada, bob, cid, dan, eve] = clients as [
    ...[RelayClient, RelayClient, RelayClient],
    ...[RelayClient, RelayClient],
  ];
  for (const user_id of ["bob", "cid", "dan"]) await ada.result("accept_member", { user_id });
  await ada.result("mute_member", { user_id: "cid" });
  await ada.result("promote_member", { user_id: "dan" });
  return { ada, bob, cid, dan, eve, insiders: [ada, bob, cid, dan] };
}

/** Every role, status and right is as {@link found} has made it. */
async function checkBoard({ ada, bob, cid, dan, eve }: Board): Promise<void> {
  const info = await ada.result<{
    readonly type: string;
    readonly durable: boolean;
    readonly members: readonly { user_id: string; role: string; status: string }[];
  }>("group_info");
  assert.deepEqual([info.type, info.durable], ["strict_private", true]);
  assert.deepEqual(
    info.members.map(({ user_id, role, status }) => `${user_id} ${role} ${status}`),
    ["ada admin active", "bob member active", "cid member muted", "dan admin active"].concat(
      "eve member pending",
    ),
  );
  const codes = [
    await cid.send("mute"),
    await eve.send("pending"),
    await bob.call("accept_member", { user_id: "eve" }),
    await dan.call("accept_member", { user_id: "ada" }),
  ].map((response) => (response?.success ? "ok" : response?.code));
  assert.deepEqual(codes, ["muted", "membership_pending", "not_admin", "ok"]);
}

/** Messages of all who may send, several at a time, until the gateway is gone; the acknowledged ones. */
class Flood {
  /** By offset. */
  readonly relayed = new Map<number, string>();
  readonly ended: Promise<void>;
  readonly #senders: readonly RelayClient[];

  constructor(senders: readonly RelayClient[], inFlight: number) {
    this.#senders = senders;
    const lanes = senders.flatMap((sender) =>
      Array.from({ length: inFlight }, (_, lane) => this.#run(sender, lane)),
    );
    this.ended = Promise.all(lanes).then(() => {});
  }

  async hasRelayed(count: number): Promise<void> {
    const [sender] = this.#senders as [RelayClient];
    await sender.until(`${count} are relayed`, () => this.relayed.size >= count);
  }

  async #run(sender: RelayClient, lane: number): Promise<void> {
    for (let number = 1; ; number++) {
      const message = `${sender.userId} ${lane}: ${number}`;
      const response = await sender.send(message);
      if (response === null) return;
      assert.ok(response.success, `${response.code}: ${response.error}`);
      this.relayed.set((response.result as { readonly offset: number }).offset, message);
    }
  }
}

/** A second device of somebody that is cut off, and comes back, time and again until the end. */
async function flicker(device: RelayClient, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await device.cut();
    if (!isOver()) await device.rejoin();
  }
}

async function killNow(gateway: GatewayProcess, clients: readonly RelayClient[]): Promise<void> {
  gateway.kill("SIGKILL");
  await within(gateway.ended, "the gateway is dead", patientMs);
  for (const { closed } of clients) await within(closed, "its sockets are closed", patientMs);
}

/** All come back, and the presence is the same for all whom it reaches. */
async function comeBack(gateway: GatewayProcess, { insiders, eve }: Board): Promise<void> {
  for (const client of [...insiders, eve]) await client.rejoin(gateway);
  for (const client of insiders) {
    await client.until("all are there", () => client.presence.size === insiders.length);
  }
  assert.deepEqual(
    [...insiders, eve].map(({ answers }) => answers.at(-1)?.status),
    ["active", "active", "muted", "active", "pending"],
  );
}

/** What is relayed now reaches all of them; the offset. */
async function checkLive(
  { ada, insiders, eve }: Board,
  message: string,
  devices: readonly RelayClient[] = [],
): Promise<number> {
  const all = [...insiders, ...devices];
  const { offset, recipients_count } = await ada.say(message);
  assert.equal(recipients_count, all.length);
  for (const client of all) await client.reaches(offset);
  for (const { heard } of all) assert.equal(heard.at(-1)?.message, message);
  checkAll(all);
  assert.deepEqual(eve.heard, [], "a pending member hears nothing");
  return offset;
}

it("kill -9 with sync full: what was acknowledged, or seen by anybody, is there", async (t) => {
  const scope = testScope(t);
  const folder = folderOf(scope, "full");
  const first = await folder.start(scope);
  const board = await found(t, first);
  const { ada, bob, dan, eve, insiders } = board;
  const devices = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      RelayClient.join(t, first, { userId: "bob", groupId, deviceId: `device ${index}` }),
    ),
  );
  const flood = new Flood([ada, bob, dan], 4);
  let isOver = false;
  const flickering = Promise.all(devices.map((device) => flicker(device, () => isOver)));
  await flood.hasRelayed(100);
  isOver = true;
  await killNow(first, [...insiders, eve]);
  await flood.ended;
  const { epoch } = ada;

  const second = await folder.start(scope);
  for (const device of devices) device.at(second);
  await flickering;
  await comeBack(second, board);
  for (const device of devices) await device.rejoin();
  for (const { answers } of insiders) {
    assert.deepEqual([answers[1]?.epoch, answers[1]?.recovered], [epoch, true]);
  }
  await checkBoard(board);
  const last = await checkLive(board, "after", devices);
  for (const { record } of devices) assert.deepEqual(record.missed, []);
  // From the first on, and with the same text as was acknowledged.
  for (const { heard } of [ada, bob, dan]) {
    assert.deepEqual(
      heard.map(({ offset }) => offset),
      Array.from({ length: last }, (_, index) => index + 1),
    );
    for (const [offset, message] of flood.relayed) {
      assert.equal(heard[offset - 1]?.message, message);
    }
  }
  t.diagnostic(`${flood.relayed.size} acknowledged of ${last - 1}`);
});

/** The last message on disk, as whoever finds the files after a kill would read it; 0: none, or torn. */
async function lastOnDisk({ path }: RelayFolder): Promise<number> {
  return readGroup(path, groupId)?.last ?? 0;
}

it("kill -9 with sync interval: what is older than the interval is there, under a new epoch", async (t) => {
  const scope = testScope(t);
  const folder = folderOf(scope, "interval");
  const first = await folder.start(scope, { threads: 1 });
  const board = await found(t, first);
  const { ada, bob, dan, eve, insiders } = board;
  const early: string[] = [];
  for (let number = 1; number <= 20; number++) {
    early.push(`early ${number}`);
    assert.equal((await bob.say(`early ${number}`)).offset, number);
  }
  // Nobody sends anything more: the interval alone has to bring them there.
  const acknowledgedAt = performance.now();
  await eventually(
    () => lastOnDisk(folder),
    (last) => last === early.length,
    "what was acknowledged is on disk",
    patientMs,
  );
  t.diagnostic(`on disk after ${Math.round(performance.now() - acknowledgedAt)} ms`);
  const flood = new Flood([ada, bob, dan], 4);
  // Under load as well: what is there by now is there afterwards.
  const seen = await eventually(
    () => lastOnDisk(folder),
    (last) => last > early.length,
    "some of it is on disk",
    patientMs,
  );
  await flood.hasRelayed(flood.relayed.size + 100);
  await killNow(first, [...insiders, eve]);
  await flood.ended;
  const old = ada.epoch;

  const second = await folder.start(scope, { threads: 1 });
  await comeBack(second, board);
  const kept = ada.answers[1]?.offset ?? 0;
  for (const { answers, epoch } of insiders) {
    assert.deepEqual([answers[1]?.recovered, answers[1]?.offset], [false, kept]);
    assert.notEqual(epoch, old);
    assert.equal(epoch, ada.epoch);
  }
  await checkBoard(board);
  // What is there is a beginning of what was sent, without holes, each as it was acknowledged.
  const stored = await bob.history(1, kept);
  assert.deepEqual(
    stored.map(({ offset }) => offset),
    Array.from({ length: kept }, (_, index) => index + 1),
  );
  const said = new Map([...early.entries()].map(([index, message]) => [index + 1, message]));
  for (const { offset, message } of stored) {
    const known = said.get(offset) ?? flood.relayed.get(offset);
    if (known !== undefined) assert.equal(message, known);
  }
  assert.ok(kept >= seen, `${kept}, not ${seen}`);
  assert.equal(await checkLive(board, "after"), kept + 1);
  t.diagnostic(`${kept} kept of ${early.length + flood.relayed.size} acknowledged`);

  // In order, it ends in order: nothing is lost, and nobody is told so.
  second.kill("SIGTERM");
  assert.equal((await within(second.ended, "the gateway stops", patientMs)).code, 0);
  const third = await folder.start(scope, { threads: 1 });
  await comeBack(third, board);
  for (const { answers } of insiders) {
    const { recovered, offset, epoch } = answers[2] ?? {};
    assert.deepEqual([recovered, offset, epoch], [true, kept + 1, answers[1]?.epoch]);
  }
  await checkBoard(board);
  assert.equal(await checkLive(board, "at last"), kept + 2);
});
