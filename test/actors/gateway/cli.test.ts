import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { encodeHelp, parseAction } from "../../../actors/gateway/cli.ts";
import { gatewayCommands } from "../../../actors/gateway/commands.ts";
import { startFlags } from "../../../actors/gateway/config-flags.ts";

const readmeUrl = new URL("../../../actors/gateway/README.md", import.meta.url);
const table = gatewayCommands(() => {
  throw new Error("not to be carried out");
});

describe("a command line", () => {
  it("is a start when it names no command", () => {
    for (const argv of [[], ["start"], ["--port", "5"], ["start", "--port", "5"]]) {
      const action = parseAction(argv, table);
      assert.equal(action.kind, "start");
      assert.equal(action.flags.values.port, argv.length > 1 ? 5 : undefined);
    }
  });

  it("is a command with its words, in whatever order flags and words come", () => {
    for (const argv of [
      ["ask", "--json", "x", "total", "[1]", "--socket", "s"],
      ["ask", "x", "--socket=s", "total", "[1]", "--json"],
    ]) {
      const action = parseAction(argv, table);
      assert.ok(action.kind === "command");
      assert.deepEqual([action.name, action.json], ["ask", true]);
      assert.deepEqual(action.words, ["x", "total", "[1]"]);
      assert.equal(action.flags.values.socket, "s");
    }
  });

  it("takes what follows -- for words", () => {
    const action = parseAction(["ask", "x", "add", "--", "-5"], table);
    assert.deepEqual(action.kind === "command" && action.words, ["x", "add", "-5"]);
  });

  it("names a node by a flag, for a command that takes one", () => {
    for (const [argv, words] of [
      [["tree", "--node", "users"], ["users"]],
      [
        ["spawn", "--node=users@127.0.0.1:1", "./a.ts"],
        ["./a.ts", "users@127.0.0.1:1"],
      ],
      [["tree", "users"], ["users"]],
    ] as const) {
      const action = parseAction(argv, table);
      assert.deepEqual(action.kind === "command" && action.words, words);
    }
  });

  it("asks for help and version in every usual way", () => {
    for (const argv of [["help"], ["--help"], ["start", "--help"], ["tree", "--help"]]) {
      assert.equal(parseAction(argv, table).kind, "help");
    }
    for (const argv of [["version"], ["--version"]]) {
      assert.equal(parseAction(argv, table).kind, "version");
    }
  });

  for (const [argv, message] of [
    [["strat"], /^unknown command "strat": expected one of tree, ps, /],
    [["start", "now"], /^start: expected flags alone, received "now"$/],
    [["repl", "now"], /^repl: expected flags alone, received "now"$/],
    [["repl", "--json"], /^unknown flag --json: expected one of --port --config --socket --help$/],
    [["tree", "--demo"], /^unknown flag --demo: /],
    [["tree", "--node"], /^--node: expected a value, received nothing$/],
    [["ps", "--node", "users"], /^unknown flag --node: expected one of --port --config --socket /],
  ] as const) {
    it(`is refused: troupe ${argv.join(" ")}`, () => {
      assert.throws(() => parseAction(argv, table), { message });
    });
  }
});

describe("the help", () => {
  it("tells of every flag and every command", () => {
    const help = encodeHelp(table);
    for (const { flag } of startFlags) assert.match(help, new RegExp(`^ {2}--${flag}\\b`, "m"));
    for (const { name } of table.list()) {
      if (name !== "help") assert.match(help, new RegExp(`^ {2}${name}\\b`, "m"));
    }
    for (const line of help.split("\n")) assert.ok(line.length <= 130, line);
  });

  it("is told in full by the README, with the parameters of each", async () => {
    const readme = await readFile(readmeUrl, "utf8");
    const parametersOf = (line: string): number => (line === "" ? 0 : line.split(",").length);
    for (const { name, parameters } of table.list()) {
      const [row, given = ""] =
        new RegExp(`^\\| \\x60${name}\\((.*?)\\)\\x60 +\\| .*\\w`, "m").exec(readme) ?? [];
      assert.ok(row, name);
      assert.equal(parametersOf(given), parameters.length, name);
    }
  });

  it("is the same table as the prompt's", () => {
    const names = table.list().map(({ name }) => name);
    for (const name of "tree ps inspect spawn stop restart tell ask call help".split(" ")) {
      assert.ok(names.includes(name), name);
    }
  });
});
