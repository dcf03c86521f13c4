import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const maxLines = 400;

const project = [
  "Dockerfile",
  "README.md",
  "actors",
  "bench",
  "package.json",
  "runtime",
  "test",
  "tsconfig.json",
];
const forcedByTools = [
  ".ci",
  ".dockerignore",
  ".gitignore",
  "LICENSE",
  "biome.json",
  "package-lock.json",
];

describe("the repository", () => {
  it("has the agreed top level and nothing beside it", () => {
    const ignored = readFileSync(join(root, ".gitignore"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/\/$/, ""));
    const present = readdirSync(root).filter(
      (name) => name !== ".git" && !ignored.some((pattern) => matchesGlob(name, pattern)),
    );
    assert.deepEqual(present.sort(), [...project, ...forcedByTools].sort());
  });

  for (const tree of ["runtime", "actors", "bench", "test"]) {
    it(`has no file over ${maxLines} lines in ${tree}/`, () => {
      const long = readdirSync(join(root, tree), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => readFileSync(path, "utf8").split("\n").length - 1 > maxLines);
      assert.deepEqual(long, []);
    });
  }

  it("locks every package that another one names, for every platform", () => {
    // A lock made where the registry lacks some platform's binary leaves it out, and "npm ci"
    // then refuses the lock everywhere.
    const lock: { packages: Record<string, Record<string, Record<string, string>>> } = JSON.parse(
      readFileSync(join(root, "package-lock.json"), "utf8"),
    );
    const paths = Object.keys(lock.packages);
    const missing = Object.values(lock.packages)
      .flatMap((entry) => [
        ...Object.keys(entry["dependencies"] ?? {}),
        ...Object.keys(entry["optionalDependencies"] ?? {}),
      ])
      .filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)));
    assert.deepEqual([...new Set(missing)], []);
  });
});
