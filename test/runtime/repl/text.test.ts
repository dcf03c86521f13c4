import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  formatDeadLetters,
  formatThreads,
  formatTree,
  shownChildren,
} from "../../../runtime/repl/actor-text.ts";
import { formatDuration, formatFields, formatTable } from "../../../runtime/repl/table-text.ts";
import type { TreeNode } from "../../../runtime/system/index.ts";

function node(name: string | null, children: readonly TreeNode[] = []): TreeNode {
  return {
    ...{ name, pid: "<0.1.16>", class: "Worker", thread: 1, state: "running", mailbox: 0 },
    ...{ active: 0, handled: 0, restarts: 3, uptimeMs: 61_000, parent: null, groups: [], children },
  } as TreeNode;
}

/** The names' column alone. */
function names(text: string): string[] {
  const lines = text.split("\n");
  const width = lines[0]?.indexOf("pid") ?? 0;
  return lines.slice(1).map((line) => line.slice(0, width).trimEnd());
}

describe("the tree as text", () => {
  it("draws who stands below whom", () => {
    const tree = [node("root", [node("a", [node("a1"), node("a2")]), node("b", [node(null)])])];
    assert.deepEqual(names(formatTree(tree)), [
      "root",
      "├─ a",
      "│  ├─ a1",
      "│  └─ a2",
      "└─ b",
      "   └─ Worker",
    ]);
  });

  it("tells pid, class, thread, state, mailbox, restarts and uptime of each", () => {
    const [titles, line] = formatTree([node("root")]).split("\n");
    const expected = "name pid class thread state mailbox restarts uptime".split(" ");
    assert.deepEqual(titles?.split(/ {2,}/), expected);
    assert.deepEqual(line?.trim().split(/ {2,}/), [
      ...["root", "<0.1.16>", "Worker", "1", "running", "0", "3", "1 min 1 s"],
    ]);
  });

  it("counts the children that would flood the screen", () => {
    const children = Array.from({ length: shownChildren + 7 }, (_, index) => node(`c${index}`));
    const shown = names(formatTree([node("root", children)]));
    assert.equal(shown.length, 1 + shownChildren + 1);
    assert.equal(shown.at(-1), "└─ … 7 more");
    assert.equal(shown.at(-2), `├─ c${shownChildren - 1}`);
  });
});

describe("tables", () => {
  const columns = [
    { title: "name", cell: ([name]: [string, number]) => name },
    { title: "n", cell: ([, n]: [string, number]) => n, align: "right" as const },
  ];

  it("align their columns", () => {
    const text = formatTable(
      columns,
      [
        ["long name", 5],
        ["x", 1_000],
      ],
      "none",
    );
    assert.equal(text, "name          n\nlong name     5\nx          1000");
  });

  it("say so when they are empty", () => {
    assert.equal(formatTable(columns, [], "none"), "none");
  });

  it("let no value leave its line or move the cursor", () => {
    const text = formatTable(columns, [["a\n\u001b[2Jb", 1]], "none");
    assert.equal(text.split("\n")[1], "a��[2Jb  1");
  });

  it("show fields one below the other, lists as JSON", () => {
    assert.equal(
      formatFields({ a: 1, long: ["x"], gone: undefined, none: null }),
      'a     1\nlong  ["x"]\nnone  null',
    );
  });

  it("name the threads that do not answer", () => {
    assert.equal(
      formatThreads({ threads: [], silent: [2, 3] }),
      "no threads\nno answer from: 2, 3",
    );
  });

  it("show dead letters with their time", () => {
    const letter = { to: "<0.1.2>", method: "add", reason: "no_actor", at: 0 } as const;
    assert.match(formatDeadLetters([letter]), /1970-01-01T00:00:00.000Z {2}<0.1.2> {2}add/);
  });
});

describe("durations", () => {
  for (const [ms, text] of [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1_000, "1 s"],
    [59_999, "59 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
  ] as const) {
    it(`${ms} ms are ${text}`, () => assert.equal(formatDuration(ms), text));
  }
});
