import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { inspect, promisify } from "node:util";
import { listEvents } from "#actors";
import { errorCodes } from "#runtime";
import { FUN_CONFIG_FIELDS } from "../actors/registry/fun-config-schema.ts";
import { ERROR_CODES } from "../actors/request/error-codes.ts";
import { FrameClient } from "./e2e/frame-client.ts";
import { fileScope, GatewayProcess, testScope } from "./e2e/gateway-process.ts";
import type { WireResponse } from "./e2e/phoenix-client.ts";
import type { Frame } from "./e2e/wire-client.ts";

const root = join(import.meta.dirname, "..");

/** Those of the gateway: their examples make one gateway. */
const gatewayReadmes = [
  "actors/README.md",
  ...globSync("actors/*/README.md", { cwd: root }).sort(),
];

function read(readme: string): Promise<string> {
  return readFile(join(root, readme), "utf8");
}

/** A block of a README whose fence says more than a language. */
interface Block {
  readonly language: string;
  /** What it is: `calls`, `wire`, `tree`; or the name of its file. */
  readonly name: string;
  readonly text: string;
}

async function blocksOf(readme: string): Promise<Block[]> {
  const text = await read(readme);
  return [...text.matchAll(/```(\w+) (\S+)\n([\s\S]*?)```/g)].map(
    ([, language = "", name = "", text = ""]) => ({ language, name, text }),
  );
}

/** Writes the blocks that are files: ```ts file=main.ts; their names. */
async function writeFiles(blocks: readonly Block[], folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const { name, text } of blocks) {
    if (!name.startsWith("file=")) continue;
    names.push(name.slice("file=".length));
    await writeFile(join(folder, names.at(-1) ?? ""), text);
  }
  assert.equal(new Set(names).size, names.length, `expected each file once, received ${names}`);
  return names;
}

/** A folder within the project, so that #runtime and #actors mean what they mean to a reader. */
function makeFolder(): Promise<string> {
  return mkdtemp(join(root, "test", ".readme-"));
}

/** Whether a table has a row for the code, with something said of it. */
function hasRow(text: string, code: string): boolean {
  return new RegExp(`^\\| \`${code}\`\\s+\\| .*\\w`, "m").test(text);
}

describe("examples in the READMEs", async () => {
  const demo = await GatewayProcess.start(fileScope());
  for (const readme of ["README.md", "runtime/README.md", "runtime/cluster/README.md"]) {
    it(`${readme}: each example runs`, async () => {
      const folder = await makeFolder();
      try {
        const files = await writeFiles(await blocksOf(readme), folder);
        assert.ok(files.length > 0, "there are no examples to run");
        for (const file of files) {
          await promisify(execFile)(process.execPath, [join(folder, file)], { timeout: 30_000 });
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it("README.md: the call of the start page is answered", async (t) => {
    const example = (await read("README.md")).match(/```ts\n(import \{ Socket \}[\s\S]*?)```/)?.[1];
    assert.ok(example, "there is no call on the start page");
    const folder = await makeFolder();
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "call.ts");
    await writeFile(file, example.replace("127.0.0.1:4000", `127.0.0.1:${demo.port}`));
    const caller = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => caller.kill());
    let said = "";
    for await (const text of caller.stdout) {
      said += text;
      if (said.includes("Ada Lovelace")) return;
    }
    assert.fail(`the caller ended and had said: ${said}`);
  });

  it("README.md: its commands print what it says", async () => {
    const blocks = await blocksOf("README.md");
    await writeFiles(blocks, demo.folder);
    const calls = blocks.flatMap(({ name, text }) => (name === "calls" ? parseCalls(text) : []));
    assert.ok(calls.length > 0, "there are no commands to run");
    for (const { line, words, printed } of calls) {
      const { stdout } = await demo.run(...words.slice(2));
      assert.equal(stdout, `${printed}\n`, line);
    }
  });
});

/** A call as an operator types it, and what it prints. */
interface Call {
  readonly line: string;
  readonly words: readonly string[];
  readonly printed: string;
}

function parseCalls(text: string): Call[] {
  return text
    .split(/^(?=npx )/m)
    .filter((call) => call.trim() !== "")
    .map((call) => {
      const [line = "", ...printed] = call.trimEnd().split("\n");
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain,
      );
      return {
        line,
        words: words as string[],
        printed: printed.map((text) => text.replace(/^# /, "")).join("\n"),
      };
    });
}

function print({ success, result, code, error }: WireResponse): string {
  return success ? inspect(result, { depth: 6 }) : `${code}: ${error}`;
}

/** Sends what `→` says and expects what `←` says; `…` stands for fields that are left out. */
async function replay(client: FrameClient, text: string): Promise<void> {
  for (const line of text.trim().split("\n")) {
    const frame: Frame = JSON.parse(line.slice(2).replaceAll(/,?…/g, ""));
    if (line.startsWith("→")) {
      client.send(frame);
      continue;
    }
    assert.ok(line.startsWith("←"), line);
    const [received] = await client.take(1);
    if (line.includes("…")) assert.partialDeepStrictEqual(received, frame, line);
    else assert.deepEqual(received, frame, line);
  }
}

interface TreeNode {
  readonly name: string;
  readonly children: readonly TreeNode[];
}

describe("the READMEs of the gateway", async () => {
  const scope = fileScope();
  const folder = await makeFolder();
  scope.after(() => rm(folder, { recursive: true }));
  const blocks = new Map<string, Block[]>();
  for (const readme of gatewayReadmes) blocks.set(readme, await blocksOf(readme));
  const all = [...blocks.values()].flat();
  await writeFiles(all, folder);
  const config = join(folder, "troupe.config.ts");
  const gateway = await GatewayProcess.start(scope, { demo: false, config });

  for (const [readme, own] of blocks) {
    for (const { line, words, printed } of own.flatMap(({ name, text }) =>
      name === "calls" ? parseCalls(text) : [],
    )) {
      it(`${readme}: ${line}`, async () => {
        const [npx, troupe, command = "", service, type, ...maps] = words;
        assert.deepEqual([npx, troupe, command], ["npx", "troupe", "call"]);
        const args = maps.map((map) => JSON.parse(map));
        const received = print(await gateway.command(command, service, type, ...args));
        // Seconds that are left cannot be told beforehand.
        const comparable = printed.includes("N seconds")
          ? received.replace(/\d+ seconds/, "N seconds")
          : received;
        assert.equal(comparable, printed);
      });
    }
    for (const { text } of own.filter(({ name }) => name === "wire")) {
      it(`${readme}: the wire has ${text.slice(0, 60)}…`, async (t) => {
        const query = `vsn=2.0.0&token=${encodeURIComponent("secret of Ada")}`;
        const client = await FrameClient.open(testScope(t), gateway.url, query);
        await replay(client, text);
        assert.deepEqual(await client.rest(), []);
      });
    }
  }

  it("have a row and an example for every field of a FunConfig", async () => {
    const text = await read("actors/README.md");
    const rows = text.split("\n").flatMap((line) => /^\| (`[^|]*)\|/.exec(line)?.[1] ?? []);
    const code = all.filter(({ name }) => name.startsWith("file=")).map(({ text }) => text);
    for (const field of Object.keys(FUN_CONFIG_FIELDS)) {
      const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      assert.ok(
        rows.some((row) => row.includes(`\`${field}\``)),
        `${field} has no row`,
      );
      const used = new RegExp(`\\b(${field}|${snake})"?:`);
      assert.ok(
        code.some((text) => used.test(text)),
        `${field} has no example`,
      );
    }
  });

  it("draw the tree as it is", async () => {
    const drawing = all.find(({ name }) => name === "tree")?.text ?? "";
    const drawn = [...drawing.matchAll(/^ {2}[├└] (\S+)/gm)].map(([, name]) => name);
    const [node] = await gateway.command<TreeNode[]>("tree");
    const tree = node?.children.find(({ name }) => name === "gateway");
    const running = tree?.children.map(({ name }) => name.replace(/-\d+$/, "-N")) ?? [];
    // These are there for a while, where they are configured, or in a cluster.
    const elsewhere = ["receiver", "puller", "publisher", "pusher", "farewell"];
    const expected = new Set([
      ...running,
      "boot",
      "quota",
      "relay_store",
      "admin_service",
      ...elsewhere,
    ]);
    assert.deepEqual(drawn.sort(), [...expected].sort());
  });

  it("list every event of the telemetry", async () => {
    const text = await read("actors/diagnostics/README.md");
    for (const event of listEvents()) assert.ok(hasRow(text, event), event);
  });

  it("list every code that a client may get", async () => {
    const text = await read("actors/README.md");
    for (const code of Object.keys(ERROR_CODES)) assert.ok(hasRow(text, code), code);
  });
});

describe("the READMEs", () => {
  it("list every error code of the runtime with its meaning", async () => {
    const text = await read("runtime/README.md");
    for (const code of Object.keys(errorCodes)) assert.ok(hasRow(text, code), code);
  });

  for (const readme of [
    "README.md",
    ...globSync("{runtime,actors,bench}/**/README.md", { cwd: root }),
  ]) {
    it(`${readme}: its links lead somewhere`, async () => {
      for (const [, link = ""] of (await read(readme)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(link)) continue;
        const [path = "", anchor] = link.split("#");
        const target = path === "" ? readme : join(dirname(readme), path);
        assert.ok(existsSync(join(root, target)), link);
        if (anchor === undefined) continue;
        const headings = (await read(target)).match(/^#+ .*$/gm) ?? [];
        const anchors = headings.map((heading) =>
          heading
            .replace(/^#+ /, "")
            .toLowerCase()
            .replace(/[^\w -]/g, "")
            .replaceAll(" ", "-"),
        );
        assert.ok(anchors.includes(anchor), link);
      }
    });
  }
});
