import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { freePorts } from "#runtime/testing";

// No container engine is needed: the steps of the Dockerfile are few enough to be run in a folder
// that stands for the image, with the Node of this run standing for the base image's.

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Step {
  readonly keyword: string;
  readonly rest: string;
}

function parseDockerfile(text: string): Step[] {
  return text
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, keyword = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { keyword: keyword.toUpperCase(), rest };
    });
}

const steps = parseDockerfile(readFileSync(join(root, "Dockerfile"), "utf8"));

/** The argument of a keyword that stands exactly once. */
function only(keyword: string): string {
  const found = steps.filter((step) => step.keyword === keyword);
  assert.equal(found.length, 1, `${keyword} stands ${found.length} times`);
  return found[0]?.rest ?? "";
}

/** A command in exec form, which no shell stands before: signals reach the process itself. */
function parseExecForm(text: string): string[] {
  const words: unknown = JSON.parse(text);
  assert.ok(Array.isArray(words) && words.every((word) => typeof word === "string"));
  return words;
}

function parseHealthcheck(): string[] {
  return parseExecForm(/CMD (\[.*\])$/.exec(only("HEALTHCHECK"))?.[1] ?? "");
}

/** This run's environment without what npm, the test runner or a user of Troupe put there. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(package|lifecycle|config_local)|NODE_(ENV|OPTIONS|TEST)|TROUPE_)/.test(name),
  );
  const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`;
  return { ...Object.fromEntries(kept), PATH: path };
}

/** Resolves once the process has printed the text; rejects with its output when it ends first. */
function printed(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        if (output.includes(text)) resolve();
      });
    }
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
}

describe("the Dockerfile", () => {
  const image = mkdtempSync(join(tmpdir(), "troupe-image-"));
  const environment = cleanEnvironment();
  let folder = image;
  let child: ChildProcess | undefined;

  after(() => {
    child?.kill("SIGKILL");
    rmSync(image, { recursive: true });
  });

  it("declares a plain Node 26 image that runs as another user than root", () => {
    assert.equal(only("FROM"), "node:26-slim");
    assert.equal(only("USER"), "node");
    assert.equal(only("STOPSIGNAL"), "SIGTERM");
    assert.equal(only("EXPOSE"), "4000");
    assert.deepEqual(parseExecForm(only("ENTRYPOINT")), ["node", "actors/gateway/troupe.js"]);
    assert.deepEqual(parseExecForm(only("CMD")), ["start"]);
    const home = only("WORKDIR");
    for (const volume of parseExecForm(only("VOLUME"))) {
      assert.ok(volume.startsWith(`${home}/`), `${volume} finds #actors only below ${home}`);
    }
  });

  it("copies nothing that .dockerignore leaves out", () => {
    const lines = readFileSync(join(root, ".dockerignore"), "utf8").trim().split("\n");
    assert.equal(lines[0], "*");
    const copied = steps
      .filter(({ keyword }) => keyword === "COPY")
      .flatMap(({ rest }) => rest.split(/\s+/).slice(0, -1));
    assert.deepEqual(copied.map((source) => `!${source}`).sort(), lines.slice(1).sort());
  });

  it("builds", (context) => {
    for (const { keyword, rest } of steps) {
      if (keyword === "ENV") {
        const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(rest) ?? [];
        environment[name] = value;
      } else if (keyword === "WORKDIR") {
        folder = join(image, rest);
        mkdirSync(folder, { recursive: true });
      } else if (keyword === "COPY") {
        const words = rest.split(/\s+/);
        const target = words.pop() ?? "";
        for (const source of words) {
          const to = join(folder, target, target.endsWith("/") ? basename(source) : "");
          cpSync(join(root, source), to, { recursive: true });
        }
      } else if (keyword === "RUN") {
        const run = spawnSync("sh", ["-c", rest], {
          cwd: folder,
          env: environment,
          encoding: "utf8",
          timeout: 100_000,
        });
        const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(run.stderr);
        if (run.status !== 0 && offline && process.env["CI"] === undefined) {
          folder = "";
          context.skip("the package registry is out of reach");
          return;
        }
        assert.equal(run.status, 0, run.stderr);
      }
    }
    const manifest: Record<string, Record<string, string>> = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    );
    const installed = (name: string) => existsSync(join(folder, "node_modules", name));
    assert.deepEqual(
      Object.keys(manifest["dependencies"] ?? {}).filter((name) => !installed(name)),
      [],
    );
    assert.deepEqual(Object.keys(manifest["devDependencies"] ?? {}).filter(installed), []);
  });

  it("starts, passes its health check and stops on SIGTERM with 0", async (context) => {
    if (folder === "") {
      context.skip("the image was not built");
      return;
    }
    const [port] = await freePorts(1);
    Object.assign(environment, {
      TROUPE_PORT: String(port),
      TROUPE_SOCKET: join(image, "repl.sock"),
    });
    const [command = "", ...args] = [
      ...parseExecForm(only("ENTRYPOINT")),
      ...parseExecForm(only("CMD")),
    ];
    child = spawn(command, args, {
      cwd: folder,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    await printed(child, String(port));

    const [probe = "", ...probeArgs] = parseHealthcheck();
    const healthy = () =>
      spawnSync(probe, probeArgs, { cwd: folder, env: environment, encoding: "utf8" });
    const health = healthy();
    assert.equal(health.status, 0, health.stderr);

    const ended = once(child, "exit");
    child.kill(only("STOPSIGNAL") as NodeJS.Signals);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(healthy().status, 1);
  });
});
