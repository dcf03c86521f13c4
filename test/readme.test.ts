import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { errorCodes } from "#runtime";
import { ERROR_CODES } from "../actors/execution/error-codes.ts";
import { GatewayProcess, testScope } from "./e2e/gateway-process.ts";

const root = join(import.meta.dirname, "..");

interface Example {
  readonly file: string;
  readonly text: string;
}

/** The blocks of a README that name a file: ```ts file=main.ts. */
async function examplesOf(readme: string): Promise<Example[]> {
  const text = await readFile(join(root, readme), "utf8");
  return [...text.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)].map((match) => ({
    file: match[1] ?? "",
    text: match[2] ?? "",
  }));
}

/** Whether a table has a row for the code, with something said of it. */
function hasRow(text: string, code: string): boolean {
  return new RegExp(`^\\| \`${code}\`\\s+\\| .*\\w`, "m").test(text);
}

describe("examples in the READMEs", () => {
  for (const readme of ["README.md", "runtime/README.md", "actors/README.md"]) {
    it(`${readme}: each example runs`, async () => {
      const examples = await examplesOf(readme);
      assert.ok(examples.length > 0, "there are no examples to run");
      // Within the project, so that #runtime and #actors mean what they mean to a reader.
      const folder = await mkdtemp(join(root, "test", ".readme-"));
      try {
        for (const { file, text } of examples) await writeFile(join(folder, file), text);
        for (const { file } of examples) {
          await promisify(execFile)(process.execPath, [join(folder, file)], { timeout: 30_000 });
        }
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  }

  it("README.md: the call of the start page is answered", async (t) => {
    const gateway = await GatewayProcess.start(testScope(t), { demo: true });
    const example = (await readFile(join(root, "README.md"), "utf8")).match(
      /```ts\n(import \{ Socket \}[\s\S]*?)```/,
    )?.[1];
    assert.ok(example, "there is no call on the start page");
    const folder = await mkdtemp(join(root, "test", ".readme-"));
    t.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "call.ts");
    await writeFile(file, example.replace("127.0.0.1:4000", `127.0.0.1:${gateway.port}`));
    const caller = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => caller.kill());
    let said = "";
    for await (const text of caller.stdout) {
      said += text;
      if (said.includes("Ada Lovelace")) return;
    }
    assert.fail(`the caller ended and had said: ${said}`);
  });

  it("runtime/README.md lists every error code with its meaning", async () => {
    const text = await readFile(join(root, "runtime/README.md"), "utf8");
    for (const code of Object.keys(errorCodes)) assert.ok(hasRow(text, code), code);
  });

  it("actors/README.md lists every code that a client may get", async () => {
    const text = await readFile(join(root, "actors/README.md"), "utf8");
    for (const code of Object.keys(ERROR_CODES)) assert.ok(hasRow(text, code), code);
  });
});
