import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { isAllowedModule } from "../../../runtime/cluster/spawn-policy.ts";

test("a module is allowed by itself or by its folder, and by what it is", (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "spawn-policy-")));
  t.after(() => rmSync(root, { recursive: true }));
  const path = (...parts: string[]): string => join(root, ...parts);
  const url = (...parts: string[]): string => pathToFileURL(path(...parts)).href;
  for (const folder of ["allowed", "allowed2", "outside"]) {
    mkdirSync(path(folder));
    writeFileSync(path(folder, "good.ts"), "");
  }
  symlinkSync(path("outside", "good.ts"), path("allowed", "link.ts"));
  symlinkSync(path("outside"), path("allowed", "dir"));
  symlinkSync(path("allowed"), path("other-name"));
  const folder = [`${url("allowed")}/`];
  const verdicts: [string, readonly string[], boolean][] = [
    [url("allowed", "good.ts"), folder, true],
    [`${url("allowed", "good.ts")}?v=2#x`, folder, true],
    [url("other-name", "good.ts"), folder, true],
    [url("allowed", "good.ts"), [`${url("other-name")}/`], true],
    [url("allowed", "good.ts"), [url("allowed", "good.ts")], true],
    [url("allowed", "good.ts"), [url("allowed2", "good.ts")], false],
    [url("allowed", "good.ts"), [], false],
    [url("allowed2", "good.ts"), folder, false],
    [url("allowed", "link.ts"), folder, false],
    [url("allowed", "dir", "good.ts"), folder, false],
    [url("allowed", "missing.ts"), folder, false],
    [`${url("allowed")}/../outside/good.ts`, folder, false],
    [`${url("allowed")}/%2e%2e/outside/good.ts`, folder, false],
    [`${url("allowed")}/..%2foutside/good.ts`, folder, false],
    ["data:text/javascript,1", folder, false],
    ["node:fs", folder, false],
    ["good.ts", folder, false],
  ];
  for (const [source, allowed, verdict] of verdicts) {
    assert.equal(isAllowedModule(source, allowed), verdict, `${source} by ${allowed}`);
  }
});
