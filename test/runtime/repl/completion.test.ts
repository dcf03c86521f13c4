import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Command, CommandTable } from "../../../runtime/repl/command.ts";
import { selectArguments, selectCommands } from "../../../runtime/repl/completion.ts";

const functions: Partial<Record<string, string[]>> = { users: ["list", "get"], math: ["add"] };
const call: Command = {
  name: "call",
  parameters: [
    { name: "service", kind: "text", complete: () => Object.keys(functions) },
    { name: "type", kind: "text", complete: ([service = ""]) => functions[service] ?? [] },
    { name: "args", kind: "json" },
  ],
  description: "",
  run: () => null,
};
const tree: Command = { name: "tree", parameters: [], description: "", run: () => null };
const table = new CommandTable([call, tree]);

describe("completion", () => {
  for (const quote of ['"', "'", "`"]) {
    it(`completes names inside ${quote}`, () => {
      assert.deepEqual(selectArguments(`call(${quote}u`, table), [["users"], "u"]);
    });
  }

  it("offers all names of an empty string, sorted", () => {
    assert.deepEqual(selectArguments('await call("', table), [["math", "users"], ""]);
  });

  it("completes an argument by those before it", () => {
    assert.deepEqual(selectArguments(`call("users", 'g`, table), [["get"], "g"]);
    assert.deepEqual(selectArguments(`call('math' ,"`, table), [["add"], ""]);
  });

  it("leaves other strings to others", () => {
    for (const line of ['x.call("', 'calls("', 'tree("', 'call("a", "b", "', "call(", 'f("']) {
      assert.equal(selectArguments(line, table), undefined, line);
    }
  });

  it("completes commands as calls", () => {
    assert.deepEqual(selectCommands("await tr", table), [["tree()"], "tr"]);
    assert.deepEqual(selectCommands("ca", table), [["call("], "ca"]);
    assert.deepEqual(selectCommands("x.ca", table), [[], ""]);
  });
});
