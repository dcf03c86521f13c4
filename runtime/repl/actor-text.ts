import type { ActorInfo, DeadLetter, ThreadInfo } from "../actor/index.ts";
import { formatWallTime } from "../core/index.ts";
import type { SystemInfo, TreeNode } from "../system/index.ts";
import { type Column, formatDuration, formatTable } from "./table-text.ts";

/** How many children of one actor the tree shows; of the others it tells the number. */
export const shownChildren = 100;

interface Line {
  readonly label: string;
  /** Null for a line that stands for those that are not shown. */
  readonly actor: ActorInfo | null;
}

const actorColumns: readonly Column<ActorInfo>[] = [
  { title: "pid", cell: ({ pid }) => pid },
  { title: "class", cell: (actor) => actor.class },
  { title: "thread", cell: ({ thread }) => formatThread(thread) },
  { title: "state", cell: ({ state }) => state },
  { title: "mailbox", cell: ({ mailbox }) => mailbox, align: "right" },
  { title: "restarts", cell: ({ restarts }) => restarts, align: "right" },
  { title: "uptime", cell: ({ uptimeMs }) => formatDuration(uptimeMs), align: "right" },
];

/** The supervision tree: a line per actor, its place in the tree drawn before its name. */
export function formatTree(roots: readonly TreeNode[]): string {
  const lines = roots.flatMap((root) => linesOf(root, "", ""));
  const columns: Column<Line>[] = [
    { title: "name", cell: ({ label }) => label },
    ...actorColumns.map(({ cell, ...column }) => ({
      ...column,
      cell: ({ actor }: Line) => (actor === null ? "" : cell(actor)),
    })),
  ];
  return formatTable(columns, lines, "no actors");
}

/** A table of actors. */
export function formatActors(actors: readonly ActorInfo[]): string {
  const columns: Column<ActorInfo>[] = [
    { title: "name", cell: ({ name }) => name ?? "-" },
    ...actorColumns,
    { title: "handled", cell: ({ handled }) => handled, align: "right" },
    { title: "active", cell: ({ active }) => active, align: "right" },
  ];
  return formatTable(columns, actors, "no actors");
}

/** A table of threads; those that did not answer are named below it. */
export function formatThreads({ threads, silent }: Omit<SystemInfo, "actors">): string {
  const count = (title: string, cell: (thread: ThreadInfo) => number): Column<ThreadInfo> => ({
    ...{ title, cell, align: "right" },
  });
  const table = formatTable<ThreadInfo>(
    [
      { title: "thread", cell: ({ thread }) => formatThread(thread) },
      count("starts", ({ incarnation }) => incarnation),
      count("actors", ({ actors }) => actors),
      count("pending asks", ({ pendingAsks }) => pendingAsks),
      count("late replies", ({ lateReplies }) => lateReplies),
      count("dead letters", ({ deadLetters }) => deadLetters),
      count("heap MB", ({ heapUsedBytes }) => Math.round(heapUsedBytes / 1_048_576)),
    ],
    threads,
    "no threads",
  );
  if (silent.length === 0) return table;
  return `${table}\nno answer from: ${silent.map(formatThread).join(", ")}`;
}

/** A table of dead letters. */
export function formatDeadLetters(letters: readonly DeadLetter[]): string {
  const columns: Column<DeadLetter>[] = [
    { title: "time", cell: ({ at }) => formatWallTime(at) },
    { title: "to", cell: ({ to }) => to },
    { title: "message", cell: ({ method }) => method },
    { title: "reason", cell: ({ reason }) => reason },
  ];
  return formatTable(columns, letters, "no dead letters");
}

function formatThread(thread: number): string {
  return thread === 0 ? "main" : String(thread);
}

/** `head` stands before the actor's own name, `indent` before those of its children. */
function linesOf(node: TreeNode, head: string, indent: string): Line[] {
  const shown = node.children.slice(0, shownChildren);
  const hidden = node.children.length - shown.length;
  const lines: Line[] = [{ label: `${head}${node.name ?? node.class}`, actor: node }];
  for (const [index, child] of shown.entries()) {
    const isLast = index === shown.length - 1 && hidden === 0;
    const branch = isLast ? "└─ " : "├─ ";
    lines.push(...linesOf(child, indent + branch, indent + (isLast ? "   " : "│  ")));
  }
  if (hidden > 0) lines.push({ label: `${indent}└─ … ${hidden} more`, actor: null });
  return lines;
}
