import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../actors/gateway/troupe.js", import.meta.url));

interface OldNode {
  readonly path: string;
  readonly version: string;
}

/** The first Node older than 24 on the PATH; the one that npm installed here is passed over. */
function findOldNode(): OldNode | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    if (folder === "" || folder.includes("node_modules")) continue;
    const path = join(folder, "node");
    const { status, stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    if (status === 0 && Number.parseInt(stdout.slice(1), 10) < 24) {
      return { path, version: stdout.trim() };
    }
  }
  return undefined;
}

const old = findOldNode();

describe("the command under a Node that is too old", () => {
  it("says in one line what it needs, what it found and how to get it", {
    skip: old === undefined && "no Node older than 24 on the PATH",
  }, () => {
    assert.ok(old);
    const run = spawnSync(old.path, [bin, "start"], { encoding: "utf8" });
    assert.equal(run.status, 1);
    assert.equal(run.stdout, "");
    assert.equal(run.stderr.split("\n").length, 2, run.stderr);
    for (const part of ["Node 24", old.version, "npm ci", "npx troupe"]) {
      assert.ok(run.stderr.includes(part), `${part} in ${run.stderr}`);
    }
  });
});
