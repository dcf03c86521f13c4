import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { within } from "../deadline.ts";
import { GatewayProcess, type Scope, testScope } from "../gateway-process.ts";
import { CuttableLine } from "./cuttable-line.ts";

const root = join(import.meta.dirname, "..", "..", "..");
const readme = await readFile(join(root, "README.md"), "utf8");
const example = /^```ts chat\n([\s\S]*?)^```/m.exec(readme)?.[1];

/** Only what hangs takes so long. */
const limitMs = 60_000;

/** The chat of the start page, as somebody runs it in a terminal. */
class ChatProgram {
  readonly #child: ChildProcess;
  readonly #looks = new Set<() => void>();
  #printed = "";

  private constructor(file: string, name: string) {
    this.#child = spawn(process.execPath, [file, name], { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#printed += text;
      for (const look of [...this.#looks]) look();
    });
  }

  /** Runs it, with its gateway at `port`, until the end of `scope`. */
  static async run(scope: Scope, port: number, name: string): Promise<ChatProgram> {
    assert.ok(example, "there is no chat on the start page");
    assert.ok(example.includes("127.0.0.1:4000"), "the chat goes to no gateway");
    // Within the project, so that its imports mean what they mean to a reader.
    const folder = await mkdtemp(join(root, "test", ".readme-"));
    scope.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "chat.ts");
    await writeFile(file, example.replace("127.0.0.1:4000", `127.0.0.1:${port}`));
    const program = new ChatProgram(file, name);
    scope.after(() => void program.#child.kill());
    return program;
  }

  /** What it has printed of that beginning, line by line. */
  lines(beginning: string): string[] {
    return this.#printed.split("\n").filter((line) => line.startsWith(beginning));
  }

  types(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Resolves when the last line of that beginning is this one. */
  prints(beginning: string, rest: string): Promise<void> {
    return this.#until(beginning, (last) => last === rest);
  }

  /** Resolves when it shows that these are here, in any order. */
  shows(...names: string[]): Promise<void> {
    const wanted = names.sort().join();
    return this.#until("here now: ", (last) => last.split(", ").sort().join() === wanted);
  }

  async #until(beginning: string, isWanted: (rest: string) => boolean): Promise<void> {
    const printed = new Promise<void>((resolve) => {
      const look = (): void => {
        const last = this.lines(beginning).at(-1)?.slice(beginning.length);
        if (last === undefined || !isWanted(last)) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
    try {
      await within(printed, `what should be behind ${beginning}`, limitMs);
    } catch (error) {
      throw new Error(`printed: ${this.#printed}`, { cause: error });
    }
  }
}

it("README.md: its chat shows who is here, and misses nothing while it is cut off", async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope);
  const line = await CuttableLine.to(gateway.port, scope);
  const ann = await ChatProgram.run(scope, line.port, "Ann");
  await ann.shows("Ann");
  const bob = await ChatProgram.run(scope, gateway.port, "Bob");
  await Promise.all([ann, bob].map((one) => one.shows("Ann", "Bob")));
  const said: string[] = [];
  const say = async (text: string, ...listeners: ChatProgram[]): Promise<void> => {
    said.push(`Bob: ${text}`);
    bob.types(text);
    await Promise.all([bob, ...listeners].map((one) => one.prints("Bob: ", text)));
  };
  await say("hello", ann);
  ann.types("hello Bob");
  await Promise.all([ann, bob].map((one) => one.prints("Ann: ", "hello Bob")));

  line.cut();
  await bob.shows("Bob");
  for (const text of ["are you there?", "it seems not", "well"]) await say(text);
  assert.deepEqual(ann.lines("Bob: "), ["Bob: hello"]);
  line.mend();
  await ann.prints("Bob: ", "well");
  await Promise.all([ann, bob].map((one) => one.shows("Ann", "Bob")));
  await say("there you are", ann);
  assert.deepEqual(ann.lines("Bob: "), said);
  assert.deepEqual(bob.lines("Bob: "), said);

  bob.types("long".repeat(10_000));
  await bob.prints("The message is too large: ", "16384 bytes of JSON at most");
});
