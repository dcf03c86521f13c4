import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Command,
  CommandError,
  CommandTable,
  formatCall,
  formatUsage,
  parseWords,
} from "../../../runtime/repl/command.ts";
import { withHelp } from "../../../runtime/repl/help.ts";

const ask: Command = {
  name: "ask",
  parameters: [
    { name: "x", kind: "text" },
    { name: "path", kind: "file" },
    { name: "options", kind: "json", optional: true },
    { name: "args", kind: "rest" },
  ],
  description: "ask it",
  run: () => null,
};

const ps: Command = { name: "ps", parameters: [], description: "list them", run: () => [] };

describe("the words of a shell", () => {
  it("become the arguments that their parameters say", () => {
    const words = ["counter", "users.ts", '{"a": 1}', "[1, [2]]"];
    assert.deepEqual(parseWords(ask, words, "/srv"), [
      ...["counter", "/srv/users.ts", { a: 1 }],
      ...[1, [2]],
    ]);
  });

  it("leave optional ones out", () => {
    assert.deepEqual(parseWords(ask, ["counter", "/abs.ts"], "/srv"), ["counter", "/abs.ts"]);
  });

  it("take a rest that is no list for its only element", () => {
    assert.deepEqual(parseWords(ask, ["x", "a", "null", '{"b": 2}'], "/").at(-1), { b: 2 });
  });

  it("leave a URL as it is", () => {
    assert.equal(parseWords(ask, ["x", "file:///a.ts"], "/srv")[1], "file:///a.ts");
  });

  it("are refused by parameter when they are not JSON", () => {
    assert.throws(
      () => parseWords(ask, ["x", "a", "{oops"], "/"),
      new CommandError('ask: options: expected JSON, received "{oops"'),
    );
  });

  it("are refused with the usage when there are too few or too many", () => {
    for (const words of [["x"], ["x", "a", "1", "2", "3"]]) {
      assert.throws(() => parseWords(ask, words, "/"), {
        message:
          `ask: expected 2 to 4 arguments, received ${words.length}; ` +
          "usage: ask X PATH [OPTIONS-JSON] [ARGS-JSON]",
      });
    }
    assert.throws(() => parseWords(ps, ["x"], "/"), {
      message: "ps: expected 0 arguments, received 1; usage: ps",
    });
  });
});

describe("a command table", () => {
  it("puts a command in the place of the one with its name", () => {
    const other = { ...ps, description: "list others" };
    const table = new CommandTable([ps, ask]).with([other]);
    assert.deepEqual(
      table.list().map(({ description }) => description),
      ["list others", "ask it"],
    );
  });

  it("names what there is when asked for what there is not", () => {
    assert.throws(() => new CommandTable([ps, ask]).get("pss"), {
      message: 'unknown command "pss": expected one of ps, ask',
    });
  });

  it("tells how a command is written in both places", () => {
    assert.equal(formatCall(ask), "ask(x, path, options?, ...args)");
    assert.equal(formatUsage(ask), "ask X PATH [OPTIONS-JSON] [ARGS-JSON]");
  });

  it("lists all of itself as help, which is one of them", async () => {
    const table = withHelp(new CommandTable([ps]));
    const help = table.get("help");
    assert.deepEqual(await help.run(), [
      { name: "ps", call: "ps()", usage: "ps", description: "list them" },
      {
        ...{ name: "help", call: "help(command?)", usage: "help [COMMAND]" },
        description: "this list, or one command of it",
      },
    ]);
    assert.deepEqual(((await help.run("ps")) as object[]).length, 1);
    assert.throws(() => help.run("nope"), CommandError);
  });
});
