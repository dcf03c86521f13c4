import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fileScope, GatewayProcess } from "../gateway-process.ts";
import { checkAll } from "./agreement.ts";
import { OffsetRecord } from "./offset-record.ts";
import { agree } from "./presence-list.ts";
import { RelayClient } from "./relay-client.ts";

const gateway = await GatewayProcess.start(fileScope(), { threads: 1 });

it("a member that was cut off misses nothing", async (t) => {
  const ada = await RelayClient.join(t, gateway, { userId: "ada", groupId: "g" });
  const bob = await RelayClient.join(t, gateway, { userId: "bob", groupId: "g" });
  await ada.say("one");
  await bob.reaches(1);
  await bob.cut();
  await ada.say("two");
  await ada.say("three");
  const answer = await bob.rejoin();
  assert.equal(answer.recovered, true);
  await ada.say("four");
  await bob.reaches(4);
  checkAll([ada, bob]);
  assert.deepEqual(
    bob.heard.map(({ message }) => message),
    ["one", "two", "three", "four"],
  );
  assert.deepEqual(
    (await bob.history(2, 3)).map(({ message }) => message),
    ["two", "three"],
  );
  await agree([ada, bob], 2);
});

describe("a record of offsets finds", () => {
  const cases: Readonly<Record<string, readonly [(record: OffsetRecord) => void, RegExp | null]>> =
    {
      "nothing in what comes in order": [(record) => record.message(3), null],
      "a message that comes twice": [(record) => record.message(2), /again/],
      "a message that is left out": [(record) => record.message(4), /3 … 3 left out/],
      "nothing in an exact gap": [gap(3, 5, "slow", "e"), null],
      "a gap behind a message that never came": [gap(4, 5, "slow", "e"), /not exact/],
      "a gap of what has come": [gap(2, 5, "slow", "e"), /not exact/],
      "an empty gap": [gap(3, 2, "slow", "e"), /of nothing/],
      "nothing in an empty gap into a new epoch": [gap(3, 2, "lost", "f"), null],
      "nothing in a gap of an unknown beginning": [gap(null, 9, "lost", "f"), null],
      "another epoch of a slow client": [gap(3, 5, "slow", "f"), /another epoch/],
      "nothing in what is recovered": [join(5, "e", true), null],
      "another epoch that recovers": [join(5, "f", true), /recovered into/],
      "a recovery that goes back": [join(1, "e", true), /recovered back/],
      "nothing in a join that recovers nothing": [join(5, "e", false), null],
      "nothing in a new epoch that goes back": [join(1, "f", false), null],
      "a loss where nothing is missing": [join(2, "e", false), /nothing missing/],
      "a join that does not say": [join(5, "e"), /not told/],
    };
  for (const [name, [act, fault]] of Object.entries(cases)) {
    it(name, () => {
      const record = new OffsetRecord();
      record.joined({ status: "active", epoch: "e", offset: 1 }, false);
      record.message(2);
      act(record);
      const found = record.faults.join("; ");
      if (fault === null) assert.equal(found, "");
      else assert.match(found, fault);
    });
  }

  it("what was recovered and has not come", () => {
    const record = new OffsetRecord();
    record.joined({ status: "active", epoch: "e", offset: 1 }, false);
    record.joined({ status: "active", epoch: "e", offset: 2, recovered: true }, true);
    assert.equal(record.isComplete, false);
    record.message(2);
    assert.equal(record.isComplete, true);
  });
});

function gap(from: number | null, to: number, reason: "slow" | "lost", epoch: string) {
  return (record: OffsetRecord) => record.gap({ group_id: "g", epoch, from, to, reason });
}

function join(offset: number, epoch: string, recovered?: boolean) {
  const answer = { status: "active", epoch, offset } as const;
  return (record: OffsetRecord) =>
    record.joined(recovered === undefined ? answer : { ...answer, recovered }, true);
}
