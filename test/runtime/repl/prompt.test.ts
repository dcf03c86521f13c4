import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, it, type TestContext } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { type Command, CommandError, CommandTable } from "../../../runtime/repl/command.ts";
import { Prompt } from "../../../runtime/repl/prompt.ts";

function command(name: string, run: Command["run"], format?: Command["format"]): Command {
  const complete = (): string[] => ["alpha", "beta"];
  const parameters = [{ name: "x", kind: "text", optional: true, complete }] as const;
  return { name, parameters, description: "", run, ...(format ? { format } : {}) };
}

const table = new CommandTable([
  command(
    "list",
    async () => [1, 2, 3],
    (values: number[]) => `list of ${values.length}`,
  ),
  command("slow", () => new Promise((resolve) => setImmediate(resolve, "slow is done"))),
  command("refuse", () => {
    throw new CommandError("not that");
  }),
  command("echo", (x) => x),
  {
    ...command("need", () => assert.fail("it was called")),
    ...{ parameters: [{ name: "x", kind: "text" }], description: "needs one" },
  },
]);

/** What a prompt without a terminal answers to a script. */
async function run(script: string): Promise<string[]> {
  const input = new PassThrough();
  const output = new PassThrough();
  const prompt = new Prompt({ input, output, terminal: false }, { table, context: { given: 7 } });
  input.end(script);
  void prompt.closed.then(() => output.end());
  return (await text(output)).trimEnd().split("\n");
}

/** A prompt in a terminal, as a person types at it. */
function openTerminal(t: TestContext): {
  typed: PassThrough;
  seen: (what: RegExp) => Promise<void>;
} {
  const typed = new PassThrough();
  const output = new PassThrough();
  const prompt = new Prompt({ input: typed, output, terminal: true }, { table, context: {} });
  t.after(() => prompt.close());
  let shown = "";
  let look = (): void => {};
  output.setEncoding("utf8").on("data", (chunk: string) => {
    shown += chunk;
    look();
  });
  const seen = (what: RegExp): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (what.test(stripVTControlCharacters(shown))) resolve();
      };
      look();
    });
  return { typed, seen };
}

describe("a prompt", () => {
  it("shows what a command returned as its format says", async () => {
    assert.deepEqual(await run("list()"), ["list of 3"]);
  });

  it("takes the bare name of a command for a call without arguments", async () => {
    assert.deepEqual(await run("list\n  list ; \nlist()\nrefuse\n"), [
      ...["list of 3", "list of 3", "list of 3", "not that"],
    ]);
  });

  it("tells how a command is called that needs arguments, instead of calling it", async () => {
    assert.deepEqual(await run("need"), ["need(x): needs one"]);
  });

  it("takes a name for a value wherever more is said", async () => {
    const lines = await run("typeof list\n[list][0]\nvar list = 5\nlist\nlist");
    assert.deepEqual(lines, ["'function'", "[Function: value]", "5", "5"]);
  });

  it("gives the data itself to whoever computes with it", async () => {
    assert.deepEqual(await run("(await list())[1]\nconst l = await list()\nl.length"), ["2", "3"]);
  });

  it("answers lines that come at once in their order", async () => {
    assert.deepEqual(await run("slow()\n1 + 1\nlist()\nawait slow()\ngiven"), [
      ...["'slow is done'", "2", "list of 3", "'slow is done'", "7"],
    ]);
  });

  it("takes statements over several lines, and a last line without an end", async () => {
    assert.deepEqual(await run("function f() {\nreturn 40\n}\nf() + 2"), ["42"]);
  });

  it("tells in one line what a command refuses, and goes on", async () => {
    assert.deepEqual(await run("refuse()\nlist()"), ["not that", "list of 3"]);
  });

  it("goes on after code that throws, now or later", async () => {
    const lines = await run('throw new Error("a")\nawait Promise.reject(new Error("b"))\nlist()');
    assert.ok(lines.some((line) => line === "Uncaught Error: a"));
    assert.ok(lines.some((line) => line === "Uncaught Error: b"));
    assert.equal(lines.at(-1), "list of 3");
  });

  it("keeps what is defined at one prompt from another one", async () => {
    assert.deepEqual(await run("globalThis.mine = 1"), ["1"]);
    assert.deepEqual(await run("typeof mine"), ["'undefined'"]);
  });

  it("completes names inside strings, and commands", async (t) => {
    const { typed, seen } = openTerminal(t);
    typed.write("ec");
    typed.write("\t");
    await seen(/echo\(/);
    typed.write('"al');
    typed.write("\t");
    await seen(/"alpha/);
    typed.write('")\r');
    await seen(/'alpha'/);
  });

  it("still completes what is JavaScript", async (t) => {
    const { typed, seen } = openTerminal(t);
    typed.write("JSON.stringi");
    typed.write("\t");
    await seen(/JSON\.stringify/);
  });

  it("is left by Ctrl-D", async () => {
    const typed = new PassThrough();
    const output = new PassThrough().resume();
    const prompt = new Prompt({ input: typed, output, terminal: true }, { table, context: {} });
    typed.write("\u0004");
    await prompt.closed;
  });

  it("prints a line above what is being typed", async (t) => {
    const typed = new PassThrough();
    const output = new PassThrough();
    let shown = "";
    output.setEncoding("utf8").on("data", (chunk: string) => {
      shown += chunk;
    });
    const prompt = new Prompt({ input: typed, output, terminal: true }, { table, context: {} });
    t.after(() => prompt.close());
    typed.write("half");
    await new Promise(setImmediate);
    prompt.printAbove("news");
    await new Promise(setImmediate);
    assert.match(shown, /news\n[^\n]*troupe> half/);
  });
});
