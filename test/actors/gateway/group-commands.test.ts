import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommandError, CommandTable, ReplyError } from "#runtime";
import { type GroupPorts, groupCommands } from "../../../actors/gateway/group-commands.ts";
import { formatGroup, formatGroups } from "../../../actors/gateway/group-text.ts";
import type { GroupInfo, ListedGroup } from "../../../actors/relay/index.ts";

const about = {
  ...({ kind: "private", isDurable: true, epoch: "e1", offset: 7 } as const),
  ...{ createdAt: 1_000, membersCount: 3 },
};
const info: GroupInfo = {
  ...about,
  groupId: "room",
  members: [
    { userId: "ada", role: "admin", status: "active", joinedAt: 1_000, devices: 2 },
    { userId: "bob", role: "member", status: "muted", joinedAt: 2_000, devices: 0 },
  ],
};
const listed: ListedGroup[] = [
  { groupId: "attic", node: "local", pid: "<0.1.9>", about: null },
  { groupId: "room", node: "b@10.0.0.2:9100", pid: "<b.1.7>", about },
];

/** The cells of a table's lines, which stand two spaces or more apart. */
const cells = (text: string): string[][] =>
  text.split("\n").map((line) => line.trim().split(/ {2,}/));

interface Stage {
  readonly calls: unknown[][];
  run(name: string, ...args: unknown[]): Promise<unknown>;
}

function stage(refusal: Error | null = null): Stage {
  const calls: unknown[][] = [];
  const answer = async <T>(value: T, ...call: unknown[]): Promise<T> => {
    calls.push(call);
    if (refusal !== null) throw refusal;
    return value;
  };
  const ports: GroupPorts = {
    groups: {
      info: (id) => answer(info, "info", id),
      delete: (id) => answer(undefined, "delete", id),
    },
    list: (pattern, limit) =>
      answer({ total: 2, groups: listed, silent: 0 }, "list", pattern, limit),
  };
  const table = new CommandTable(groupCommands(ports));
  return { calls, run: async (name, ...args) => table.get(name).run(...args) };
}

describe("the commands for relay groups", () => {
  it("ask for what they are told", async () => {
    const { calls, run } = stage();
    await run("groups");
    await run("groups", "ro*");
    assert.equal(await run("groupInfo", "room"), info);
    assert.deepEqual(await run("deleteGroup", "room"), { deleted: "room" });
    assert.deepEqual(calls, [
      ["list", null, 100],
      ["list", "ro*", 100],
      ["info", "room"],
      ["delete", "room"],
    ]);
  });

  it("refuse what is no name, and tell a refusal in a line", async () => {
    const refused = stage(new ReplyError("group_not_found", "Group not found"));
    await assert.rejects(refused.run("groupInfo", "x"), (error) => {
      return error instanceof CommandError && error.message === "Group not found";
    });
    await assert.rejects(refused.run("deleteGroup", "x"), CommandError);
    for (const name of ["groupInfo", "deleteGroup"]) {
      await assert.rejects(stage().run(name), {
        message: "id: expected the name of a group, received nothing",
      });
    }
    await assert.rejects(stage().run("groups", 7), CommandError);
    const fault = new RangeError("a fault of this code");
    await assert.rejects(stage(fault).run("deleteGroup", "x"), fault);
  });

  it("print a list, and what it does not tell", () => {
    const text = cells(formatGroups({ total: 5, groups: listed, silent: 2 }));
    assert.deepEqual(text[0], ["group", "type", "durable", "members", "messages", "node", "pid"]);
    const room = ["room", "private", "yes", "3", "7", "b@10.0.0.2:9100", "<b.1.7>"];
    assert.deepEqual(
      text.find(([name]) => name === "room"),
      room,
    );
    assert.deepEqual(
      text.find(([name]) => name === "attic"),
      [...["attic", "no answer", "local", "<0.1.9>"]],
    );
    assert.deepEqual(text.slice(-2), [
      ["and 3 more: groups(pattern) lists some of them"],
      ["without the groups of 2 shards that do not answer"],
    ]);
    assert.equal(formatGroups({ total: 0, groups: [], silent: 0 }), "no groups");
    assert.match(formatGroups({ total: 0, groups: [], silent: 1 }), /of 1 shard that does not/);
  });

  it("print a group with its members", () => {
    const lines = formatGroup(info).split("\n");
    assert.equal(lines[0], "room: a private group, durable, since 1970-01-01T00:00:01.000Z");
    assert.equal(lines[1], "messages: 7, in epoch e1");
    const bob = cells(lines.join("\n")).find(([name]) => name === "bob");
    assert.deepEqual(bob, ["bob", "member", "muted", "0", "1970-01-01T00:00:02.000Z"]);
    assert.equal(lines.at(-1), "and 1 more");
    assert.match(formatGroup({ ...info, members: [], membersCount: 0 }), /no members$/);
  });
});
