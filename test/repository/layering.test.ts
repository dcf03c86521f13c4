import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

// The linter is only as good as its configuration: offending files are written beside a copy of
// biome.json, linted in one run, and each must be refused by the rule that is meant to refuse it.

const root = fileURLToPath(new URL("../..", import.meta.url));
const biome = join(root, "node_modules/@biomejs/biome/bin/biome");

const below: Record<string, readonly string[]> = {
  core: [],
  actor: ["core"],
  supervision: ["core", "actor"],
  cluster: ["core", "actor", "supervision"],
  thread: ["core", "actor", "supervision", "cluster"],
  system: ["core", "actor", "supervision", "thread", "cluster"],
  repl: ["core", "actor", "supervision", "thread", "cluster", "system"],
  testing: ["core", "actor", "supervision", "thread", "cluster", "system", "repl"],
};

interface Sample {
  readonly path: string;
  readonly source: string;
  /** The rules that must refuse the file; empty for a file that must pass. */
  readonly rules: readonly string[];
}

const imports = "lint/style/noRestrictedImports";
const globals = "lint/style/noRestrictedGlobals";
const properties = "lint/nursery/noJsRestrictedProperties";
const defaultExport = "lint/style/noDefaultExport";
const cycles = "lint/suspicious/noImportCycles";

function importing(specifier: string): string {
  return `import { thing } from "${specifier}";\n\nexport const own: number = thing;\n`;
}

function exporting(expression: string): string {
  return `export const own: unknown = ${expression};\n`;
}

function layers(): Sample[] {
  const folders = Object.keys(below);
  return folders.flatMap((from) =>
    folders
      .filter((to) => to !== from)
      .map((to) => ({
        path: `runtime/${from}/imports-${to}.ts`,
        source: importing(`../${to}/index.ts`),
        rules: below[from]?.includes(to) ? [] : [imports],
      })),
  );
}

function sample(path: string, source: string, ...rules: string[]): Sample {
  return { path, source, rules };
}

const samples: readonly Sample[] = [
  ...layers(),

  sample("runtime/actor/past-the-face.ts", importing("../core/address.ts"), imports),
  sample("runtime/actor/sibling.ts", importing("./mailbox.ts")),
  sample("runtime/actor/root-face.ts", importing("../index.ts"), imports),
  sample("runtime/actor/self-by-name.ts", importing("#runtime"), imports),
  sample("runtime/actor/gateway.ts", importing("../../actors/index.ts"), imports),
  sample("runtime/actor/gateway-by-name.ts", importing("#actors"), imports),
  sample("runtime/actor/type-only.ts", `export type { A } from "../repl/index.ts";\n`, imports),
  sample("runtime/actor/dynamic.ts", exporting(`import("../repl/index.ts")`), imports),
  sample("runtime/face.ts", importing("./core/index.ts")),
  sample("runtime/past-the-face.ts", importing("./core/address.ts"), imports),

  sample("actors/relay/runtime.ts", importing("#runtime")),
  sample("actors/relay/runtime-by-path.ts", importing("../../runtime/index.ts"), imports),
  sample("actors/relay/runtime-inside.ts", importing("../../runtime/core/index.ts"), imports),
  sample("actors/relay/test-kit.ts", importing("#runtime/testing"), imports),
  sample("actors/relay/self-by-name.ts", importing("#actors"), imports),
  sample("actors/relay/face.ts", importing("../channel/index.ts")),
  sample("actors/relay/past-the-face.ts", importing("../channel/frame.ts"), imports),
  sample("actors/past-the-face.ts", importing("./channel/frame.ts"), imports),
  sample("actors/examples/by-name.ts", importing("#actors")),
  sample("actors/examples/service.ts", "export default {};\n"),
  sample("actors/relay/service.ts", "export default {};\n", defaultExport),
  sample("test/actors/fixtures/service.ts", "export default {};\n"),
  sample("test/actors/service.test.ts", "export default {};\n", defaultExport),

  ...["Date.now()", "new Date()", "setTimeout", "setInterval", "performance.now()"].flatMap(
    (expression, n) => [
      sample(`runtime/actor/global-${n}.ts`, exporting(expression), globals),
      sample(`actors/relay/global-${n}.ts`, exporting(expression), globals),
      sample(`test/runtime/global-${n}.test.ts`, exporting(expression)),
      sample(`bench/global-${n}.ts`, exporting(expression)),
    ],
  ),
  ...[
    "Math.random()",
    "globalThis.Date.now()",
    "globalThis.setTimeout",
    "globalThis.setInterval",
    "globalThis.performance",
    "AbortSignal.timeout(5)",
    "process.hrtime.bigint()",
  ].flatMap((expression, n) => [
    sample(`runtime/actor/property-${n}.ts`, exporting(expression), properties),
    sample(`actors/relay/property-${n}.ts`, exporting(expression), properties),
    sample(`test/runtime/property-${n}.test.ts`, exporting(expression)),
  ]),
  ...["node:timers", "node:timers/promises", "node:perf_hooks"].flatMap((specifier, n) => [
    sample(`runtime/actor/timer-${n}.ts`, importing(specifier), imports),
    sample(`runtime/timer-${n}.ts`, importing(specifier), imports),
    sample(`actors/relay/timer-${n}.ts`, importing(specifier), imports),
    sample(`actors/examples/timer-${n}.ts`, importing(specifier), imports),
    sample(`test/runtime/timer-${n}.test.ts`, importing(specifier)),
  ]),
  sample("runtime/core/clock.ts", exporting("[setTimeout, Date.now(), performance.now()]")),
  sample("runtime/core/random.ts", exporting("Math.random()")),

  sample("runtime/system/hen.ts", `export { egg as hen } from "./egg.ts";\n`, cycles),
  sample("runtime/system/egg.ts", `export { hen as egg } from "./hen.ts";\n`, cycles),
  sample(
    "runtime/core/long.ts",
    `export const own: number[] = [\n${"  1,\n".repeat(400)}];\n`,
    "lint/style/noExcessiveLinesPerFile",
  ),
  sample("runtime/core/CamelCase.ts", exporting("1"), "lint/style/useFilenamingConvention"),
  sample("runtime/core/enum.ts", "export enum Colour { Red = 1 }\n", "lint/style/noEnum"),
];

describe("the linter's rules", () => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-layering-"));
  const found = new Map<string, string[]>();

  before(() => {
    for (const name of ["biome.json", "package.json", ".gitignore"]) {
      copyFileSync(join(root, name), join(folder, name));
    }
    for (const { path, source } of samples) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    const run = spawnSync(
      process.execPath,
      [biome, "lint", "--reporter=json", "--max-diagnostics=none", "."],
      { cwd: folder, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 },
    );
    assert.equal(run.status, 1, run.stderr);
    const report: { diagnostics: { category: string; location: { path: string } }[] } = JSON.parse(
      run.stdout,
    );
    for (const { category, location } of report.diagnostics) {
      found.set(location.path, [...(found.get(location.path) ?? []), category]);
    }
  });

  after(() => rmSync(folder, { recursive: true }));

  for (const { path, rules } of samples) {
    it(`${path}: ${rules.length === 0 ? "passes" : `refused by ${rules.join(", ")}`}`, () => {
      assert.deepEqual([...new Set(found.get(path))], rules);
    });
  }
});
