import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, describe, it, type TestContext } from "node:test";
import { type Command, CommandError, CommandTable, ReplSocket, requestCommand } from "#runtime";
import { encodeAnswer, maxOpeningBytes } from "../../../runtime/repl/socket-protocol.ts";

const folder = mkdtempSync(join(tmpdir(), "troupe-repl-"));
after(() => rmSync(folder, { recursive: true }));

function command(name: string, run: Command["run"], format?: Command["format"]): Command {
  return { name, parameters: [], description: "", run, ...(format ? { format } : {}) };
}

const table = new CommandTable([
  command(
    "double",
    (n) => ({ twice: Number(n) * 2 }),
    ({ twice }: { twice: number }) => `twice: ${twice}`,
  ),
  command("refuse", () => {
    throw new CommandError("not that");
  }),
  command("nothing", () => undefined),
]);

let paths = 0;
const freshPath = (): string => join(folder, `${++paths}.sock`);

async function listen(t: TestContext, path = freshPath()): Promise<ReplSocket> {
  const socket = await ReplSocket.listen(path, { table, context: {} });
  t.after(() => socket.close());
  return socket;
}

/** Says something on a socket and hears all that comes back. */
function say(path: string, words: string): Promise<string> {
  const socket = createConnection(path);
  socket.end(words);
  return text(socket);
}

describe("the operators' socket", () => {
  it("is for its owner alone, and its file goes with it", async (t) => {
    const { path } = await listen(t);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const other = await ReplSocket.listen(freshPath(), { table, context: {} });
    await other.close();
    assert.equal(existsSync(other.path), false);
  });

  it("answers a command with its value and its text", async (t) => {
    const { path } = await listen(t);
    assert.deepEqual(await requestCommand(path, "double", [21]), {
      ...{ ok: true, value: { twice: 42 }, text: "twice: 42" },
    });
    assert.deepEqual(await requestCommand(path, "nothing", []), {
      ...{ ok: true, value: null, text: "undefined" },
    });
  });

  it("answers with the reason what it cannot do", async (t) => {
    const { path } = await listen(t);
    assert.deepEqual(await requestCommand(path, "refuse", []), { ok: false, error: "not that" });
    assert.deepEqual(await requestCommand(path, "no", []), {
      ...{ ok: false, error: 'unknown command "no": expected one of double, refuse, nothing' },
    });
  });

  for (const [words, error] of [
    ["tree\n", "expected one line of JSON"],
    ["null\n", 'mode: expected "repl" or "command"'],
    ['{"mode":"shell"}\n', 'mode: expected "repl" or "command"'],
    ['{"mode":"command"}\n', "name: expected the name of a command"],
    ['{"mode":"command","name":"double","args":1}\n', "args: expected a list"],
    ['{"mode":"repl","columns":0}\n', "columns: expected a whole number >= 1"],
    ['{"mode":"repl","terminal":1}\n', "terminal: expected true or false"],
    ['{"mode":', "expected a first line, received the end"],
    ["", "expected a first line, received the end"],
    [`${"x".repeat(maxOpeningBytes + 1)}\n`, "expected a first line of at most 1048576 bytes"],
  ] as const) {
    it(`answers ${JSON.stringify(words.slice(0, 50))} with what is wrong`, async (t) => {
      const { path } = await listen(t);
      assert.deepEqual(JSON.parse(await say(path, words)), { ok: false, error });
      assert.equal((await requestCommand(path, "double", [1])).ok, true);
    });
  }

  it("is a prompt for those who ask for one, and each has one of its own", async (t) => {
    const { path } = await listen(t);
    const script = '{"mode":"repl"}\nvar mine = 1\ndouble(4)\n(await double(4)).twice + mine\n';
    assert.deepEqual(await Promise.all([say(path, script), say(path, script)]), [
      ...["twice: 8\n9\n", "twice: 8\n9\n"],
    ]);
    assert.equal(await say(path, '{"mode":"repl"}\ntypeof mine'), "'undefined'\n");
  });

  it("outlives clients that go away in the middle", async (t) => {
    const { path } = await listen(t);
    for (const words of ["{", '{"mode":"repl","terminal":true}\ndouble(', ""]) {
      const socket = createConnection(path);
      await once(socket, "connect");
      socket.write(words);
      socket.destroy();
    }
    assert.equal((await requestCommand(path, "double", [1])).ok, true);
  });

  it("takes the place of the file that a killed process left", async (t) => {
    const path = freshPath();
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
    const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.equal(existsSync(path), true);
    await listen(t, path);
    assert.equal((await requestCommand(path, "double", [1])).ok, true);
  });

  it("does not take the place of a living one, nor of another file", async (t) => {
    const { path } = await listen(t);
    await assert.rejects(ReplSocket.listen(path, { table, context: {} }), {
      message: `${path}: expected no one there, another process listens`,
    });
    assert.equal((await requestCommand(path, "double", [1])).ok, true);
    const file = freshPath();
    writeFileSync(file, "dear diary");
    await assert.rejects(ReplSocket.listen(file, { table, context: {} }), {
      message: `${file}: expected a socket, found another file`,
    });
  });

  it("names the place where it cannot be", async () => {
    const path = join(folder, "no", "such", "folder.sock");
    await assert.rejects(ReplSocket.listen(path, { table, context: {} }), (error: Error) =>
      error.message.startsWith(`${path}: cannot listen there: `),
    );
  });

  it("leaves no umask behind", async (t) => {
    const before = process.umask();
    await listen(t);
    assert.equal(process.umask(), before);
  });
});

describe("a client of the operators' socket", () => {
  it("tells in one line that nobody is there", async () => {
    const path = freshPath();
    await assert.rejects(requestCommand(path, "double", []), {
      name: "NoSystemError",
      path,
      message: `${path}: expected the socket of a running system, nothing is there`,
    });
  });
});

describe("an answer", () => {
  it("tells what has no JSON form instead of losing it", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const line = encodeAnswer({ ok: true, value: cycle, text: "" });
    assert.match(JSON.parse(line).error, /^the result has no JSON form: /);
    const big = encodeAnswer({ ok: true, value: { n: 5n }, text: "" });
    assert.deepEqual(JSON.parse(big).value, { n: "5" });
  });
});
