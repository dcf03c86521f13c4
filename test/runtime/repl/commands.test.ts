import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";
import {
  type ActorInfo,
  type CommandTable,
  type Restarted,
  runtimeCommands,
  type Stopped,
  type TreeNode,
} from "#runtime";
import { startSystem } from "../../fixtures/running-system.ts";
import { Keeper } from "./fixtures/keeper.ts";
import Tally from "./fixtures/tally.ts";

const tallyPath = fileURLToPath(new URL("fixtures/tally.ts", import.meta.url));

async function run<T>(table: CommandTable, name: string, ...args: unknown[]): Promise<T> {
  return (await table.get(name).run(...args)) as T;
}

describe("the commands of a system", () => {
  it("show the tree, with siblings by name", async (t) => {
    const { system } = await startSystem(t);
    for (const name of ["t-10", "t-9"]) await system.spawn(Tally, { name });
    const [root] = await run<TreeNode[]>(
      runtimeCommands(() => system),
      "tree",
    );
    assert.equal(root?.name, "root");
    assert.deepEqual(
      root.children.map(({ name }) => name),
      ["t-9", "t-10"],
    );
  });

  it("find an actor by name, by pid with and without brackets, and by its ref", async (t) => {
    const { system } = await startSystem(t);
    const ref = await system.spawn(Tally, { name: "tally" });
    const table = runtimeCommands(() => system);
    for (const x of ["tally", `${ref}`, `${ref}`.slice(1, -1), ref]) {
      const info = await run<ActorInfo>(table, "inspect", x);
      assert.deepEqual([info.name, info.pid, info.class], ["tally", `${ref}`, "Tally"]);
    }
  });

  it("name the actor that is not there", async (t) => {
    const { system } = await startSystem(t);
    const table = runtimeCommands(() => system);
    for (const name of ["inspect", "stop", "restart"]) {
      await assert.rejects(run(table, name, "nobody"), {
        name: "CommandError",
        message: 'no living actor has the name or pid "nobody"',
      });
    }
    await assert.rejects(run(table, "ask", undefined, "total"), { name: "CommandError" });
  });

  it("send messages, also of things from another realm", async (t) => {
    const { system } = await startSystem(t);
    await system.spawn(Tally, { name: "tally" });
    const table = runtimeCommands(() => system);
    assert.equal(await run(table, "tell", "tally", "add", 2), true);
    assert.equal(await run(table, "ask", "tally", "total"), 2);
    const foreign: unknown = runInNewContext("({ a: 1, b: 2 })");
    assert.deepEqual(await run(table, "ask", "tally", "weigh", foreign), { plain: true, size: 2 });
    await assert.rejects(
      run(table, "ask", "tally", "weigh", () => 1),
      /argument 1 cannot be sent/,
    );
    await assert.rejects(run(table, "ask", "tally", "nosuch"), { code: "unknown_method" });
    await assert.rejects(run(table, "ask", "tally", 5), /expected the name of a message/);
  });

  it("stop an actor, and its supervisor leaves it so", async (t) => {
    const { system } = await startSystem(t);
    const ref = await system.spawn(Tally, { name: "tally" });
    const table = runtimeCommands(() => system);
    const stopped = await run<Stopped>(table, "stop", "tally");
    assert.deepEqual(stopped, { pid: `${ref}`, name: "tally", parent: null });
    assert.equal(table.get("stop").format?.(stopped as never), `stopped ${ref} tally`);
    const children = await system.root.ask.whichChildren();
    assert.deepEqual(
      children.map(({ id, status }) => [id, status]),
      [["tally", "stopped"]],
    );
  });

  it("do not stop what holds the system up", async (t) => {
    const { system } = await startSystem(t);
    await assert.rejects(
      run(
        runtimeCommands(() => system),
        "stop",
        "root",
      ),
      /cannot stop/,
    );
    await assert.rejects(
      run(
        runtimeCommands(() => system),
        "restart",
        "root",
      ),
      /no supervisor/,
    );
  });

  it("restart an actor and tell its new pid", async (t) => {
    const { system } = await startSystem(t);
    const ref = await system.spawn(Tally, { name: "tally" });
    ref.tell.add(5);
    const table = runtimeCommands(() => system);
    const { pid, newPid } = await run<Restarted>(table, "restart", "tally");
    assert.equal(pid, `${ref}`);
    assert.notEqual(newPid, pid);
    assert.equal((await run<ActorInfo>(table, "inspect", newPid)).restarts, 1);
    assert.equal(await run(table, "ask", newPid, "total"), 0);
  });

  it("tell that an actor which is not restarted was not", async (t) => {
    const { system } = await startSystem(t);
    await system.spawn(Tally, { name: "tally", restart: "temporary" });
    const { newPid } = await run<Restarted>(
      runtimeCommands(() => system),
      "restart",
      "tally",
    );
    assert.equal(newPid, null);
  });

  describe("for what another actor has spawned", () => {
    type Kept = { kept: string; other: string; table: CommandTable };
    async function keep(t: TestContext): Promise<Kept> {
      const { system } = await startSystem(t);
      const keeper = await system.spawn(Keeper, { name: "keeper" });
      return { ...(await keeper.ask.start()), table: runtimeCommands(() => system) };
    }
    const told = (table: CommandTable, name: string, value: unknown): string | undefined =>
      table.get(name).format?.(value as never);

    it("restart it and tell the pid of the one that its parent has started", async (t) => {
      const { kept, table } = await keep(t);
      const restarted = await run<Restarted>(table, "restart", "kept");
      const { newPid } = restarted;
      assert.deepEqual(restarted, { pid: kept, name: "kept", parent: "keeper", newPid });
      assert.equal((await run<ActorInfo>(table, "inspect", "kept")).pid, newPid);
      assert.equal(told(table, "restart", restarted), `${kept} is now ${newPid}`);
    });

    it("kill one without a name, and leave the rest to its parent", async (t) => {
      const { other, table } = await keep(t);
      const restarted = await run<Restarted>(table, "restart", other);
      assert.deepEqual(restarted, { pid: other, name: null, parent: "keeper", newPid: null });
      const may = "its parent keeper may start it anew";
      assert.equal(told(table, "restart", restarted), `killed ${other}; ${may}`);
    });

    it("stop it, and tell that its parent may start it anew", async (t) => {
      const { kept, other, table } = await keep(t);
      const may = "its parent keeper may start it anew";
      const stopped = await run<Stopped>(table, "stop", "kept");
      assert.deepEqual(stopped, { pid: kept, name: "kept", parent: "keeper" });
      assert.equal(told(table, "stop", stopped), `stopped ${kept} kept; ${may}`);
      assert.equal(
        told(table, "stop", await run<Stopped>(table, "stop", other)),
        `stopped ${other}; ${may}`,
      );
    });
  });

  it("start the actor that a module exports", async (t) => {
    const { system } = await startSystem(t);
    const table = runtimeCommands(() => system);
    const { pid } = await run<{ pid: string }>(table, "spawn", tallyPath);
    assert.equal(await run(table, "ask", pid, "total"), 0);
    await assert.rejects(run(table, "spawn", "/no/such.ts"), /such\.ts/);
    await assert.rejects(run(table, "spawn", 5), /expected the path of a module/);
  });

  it("show threads and dead letters", async (t) => {
    const { system } = await startSystem(t);
    await system.spawn(Tally, { name: "tally" });
    const table = runtimeCommands(() => system);
    await run(table, "ask", "tally", "nosuch").catch(() => {});
    const { threads } = await run<{ threads: object[] }>(table, "threads");
    assert.equal(threads.length, 3);
    const letters = await run<{ method: string }[]>(table, "deadLetters");
    assert.deepEqual(
      letters.map(({ method }) => method),
      ["nosuch"],
    );
  });
});
