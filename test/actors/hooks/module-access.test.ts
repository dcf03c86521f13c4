import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import {
  decideFunctionAccess,
  decideModuleAccess,
  resolveModuleAccess,
} from "../../../actors/hooks/module-access.ts";

const TRUSTED = ["file:///srv/app/hooks/", "file:///srv/app/single.ts", "file:///srv/a%20b/"];

/** [module, the URL to import, or null where it is refused] */
const MODULES: readonly (readonly [module: string, url: string | null])[] = [
  // What is meant to work.
  ["file:///srv/app/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["/srv/app/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["/srv/app/hooks/deep/er/a.mjs", "file:///srv/app/hooks/deep/er/a.mjs"],
  ["file:///srv/app/hooks/a.ts?v=1", "file:///srv/app/hooks/a.ts?v=1"],
  ["file:///srv/app/hooks/a.ts?v=1&w=../..", "file:///srv/app/hooks/a.ts?v=1&w=../.."],
  ["file:///srv/app/single.ts", "file:///srv/app/single.ts"],
  ["file:///srv/app/single.ts?v=2", "file:///srv/app/single.ts?v=2"],
  ["/srv/a b/x.js", "file:///srv/a%20b/x.js"],
  ["file:///srv/a%20b/x.cts", "file:///srv/a%20b/x.cts"],
  ["file:///srv/%61pp/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["FILE:///srv/app/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["file:/srv/app/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["file://localhost/srv/app/hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["/srv/app/hooks/./a.ts", "file:///srv/app/hooks/a.ts"],
  ["/srv/app//hooks/a.ts", "file:///srv/app/hooks/a.ts"],
  ["/srv/app/hooks/..a.ts", "file:///srv/app/hooks/..a.ts"],
  ["/srv/app/hooks/a#b.ts", "file:///srv/app/hooks/a%23b.ts"],
  // Modules of Node.js.
  ...["node:fs", "fs", "fs/promises", "node:fs/promises", "child_process", "process", "vm"].map(
    (module) => [module, null] as const,
  ),
  ...["NODE:fs", "Node:child_process", "node:no_such", "node:", "FS", "Process"].map(
    (module) => [module, null] as const,
  ),
  // Bare specifiers and relative paths.
  ...["typebox", "#runtime", "#actors", "troupe", "@scope/name", "a.ts", ".", ".."].map(
    (module) => [module, null] as const,
  ),
  ...["./a.ts", "../a.ts", "hooks/a.ts", "~/a.ts", "", " ", "constructor"].map(
    (module) => [module, null] as const,
  ),
  // Other schemes and hosts.
  ["data:text/javascript,export function f() {}", null],
  ["DATA:text/javascript;base64,ZXhwb3J0IGRlZmF1bHQgMQ==", null],
  ["http://127.0.0.1/srv/app/hooks/a.ts", null],
  ["https://example.org/srv/app/hooks/a.ts", null],
  ["blob:nodedata:1", null],
  ["javascript:alert(1)", null],
  ["wasm:///srv/app/hooks/a.ts", null],
  ["file://host/srv/app/hooks/a.ts", null],
  ["file://127.0.0.1/srv/app/hooks/a.ts", null],
  ["file://user@host/srv/app/hooks/a.ts", null],
  ["file://", null],
  ["file:", null],
  [" file:///srv/app/hooks/a.ts", null],
  ["fi\nle:///srv/app/hooks/a.ts", null],
  // Out of the folder.
  ["/etc/passwd", null],
  ["/etc/evil.ts", null],
  ["/srv/app/hooks/../evil.ts", null],
  ["/srv/app/hooks/../hooks/a.ts", null],
  ["/srv/app/hooks/x/../../../evil.ts", null],
  ["/srv/app/hooks\\..\\..\\evil.ts", null],
  ["file:///srv/app/hooks/../evil.ts", null],
  ["file:///srv/app/hooks/%2e%2e/evil.ts", null],
  ["file:///srv/app/hooks/%2E%2E/evil.ts", null],
  ["file:///srv/app/hooks/.%2e/evil.ts", null],
  ["file:///srv/app/hooks/%2e./hooks/a.ts", null],
  ["file:///srv/app/hooks/%2e%2e%2fevil.ts", null],
  ["file:///srv/app/hooks/..%2fevil.ts", null],
  ["file:///srv/app/hooks/..%5cevil.ts", null],
  ["file:///srv/app/hooks/..\\..\\evil.ts", null],
  ["file:///srv/app/hooks/.\t./evil.ts", null],
  ["file:///srv/app/hooks/.\n./evil.ts", null],
  ["file:///srv/app/hooks/a%2fb.ts", null],
  ["file:///srv/app/hooks/%ff.ts", null],
  ["file:///srv/app/hooks/%zz.ts", null],
  // A name decoded twice would be `..`; decoded once it is a folder that is called so.
  ["file:///srv/app/hooks/%252e%252e/a.ts", "file:///srv/app/hooks/%252e%252e/a.ts"],
  // Null bytes and other control characters.
  ["/srv/app/hooks/a.ts\0.txt", null],
  ["/srv/app/hooks/a\0.ts", null],
  ["file:///srv/app/hooks/a%00.ts", null],
  ["file:///srv/app/hooks/a\0.ts", null],
  ["/srv/app/hooks/a\u007f.ts", null],
  // Neighbours with the same beginning, and other spellings of the folder.
  ["/srv/app/hooks-evil/a.ts", null],
  ["/srv/app/hooks.ts", null],
  ["/srv/app/hooksa.ts", null],
  ["/srv/app/single.tsx.ts", null],
  ["/srv/app/single.ts/a.ts", null],
  ["/srv/app/HOOKS/a.ts", null],
  ["/SRV/app/hooks/a.ts", null],
  ["/srv/app/Single.ts", null],
  ["/srv/app/hookſ/a.ts", null],
  // What is not a source file, or not one of the services' own.
  ["/srv/app/hooks/", null],
  ["/srv/app/hooks", null],
  ["/srv/app/hooks/a", null],
  ["/srv/app/hooks/a.json", null],
  ["/srv/app/hooks/a.node", null],
  ["/srv/app/hooks/a.wasm", null],
  ["/srv/app/hooks/a.ts.node", null],
  ["file:///srv/app/hooks/a.node?b.ts", null],
  ["file:///srv/app/hooks/a.ts#fragment", null],
  ["file:///srv/app/hooks/a.node#b.ts", null],
  ["/srv/app/hooks/node_modules/lib/index.js", null],
  ["/srv/app/hooks/x/node_modules/lib/index.js", null],
  ["/srv/app/hooks/not_node_modules/a.ts", "file:///srv/app/hooks/not_node_modules/a.ts"],
  [`/srv/app/hooks/${"a".repeat(1_000_000)}.ts`, null],
];

const FUNCTIONS_DENIED = [
  ...Object.getOwnPropertyNames(Object.prototype),
  ...["constructor", "__proto__", "toString", "hasOwnProperty", "__defineGetter__", "valueOf"],
  ...["eval", "Function", "default", "prototype", "then", "require", "process", "globalThis"],
  ...[
    "",
    " ",
    "a b",
    "a.b",
    "process.exit",
    "a-b",
    "a[0]",
    "1a",
    "a()",
    "a\0",
    "a\n",
    "module.exports",
  ],
  ...["x".repeat(257), "\ud83d", "💥"],
];

describe("the names of modules", () => {
  for (const [module, url] of MODULES) {
    it(`${JSON.stringify(module.slice(0, 60))} is ${url === null ? "refused" : "allowed"}`, () => {
      const access = decideModuleAccess(module, TRUSTED);
      assert.equal(access.ok ? access.url : null, url);
      if (!access.ok) assert.ok(access.reason.length < 300, access.reason);
    });
  }

  it("refuses every module of Node.js, whatever is trusted", () => {
    for (const name of builtinModules) {
      for (const module of [name, `node:${name.replace(/^node:/, "")}`]) {
        const access = decideModuleAccess(module, [module, "file:///", "/", ""]);
        assert.match(access.ok ? module : access.reason, /it is part of Node\.js$/);
      }
    }
  });

  it("says why", () => {
    const reasonOf = (module: string): string => {
      const access = decideModuleAccess(module, TRUSTED);
      return access.ok ? "" : access.reason;
    };
    assert.equal(
      reasonOf("file://host/srv/app/hooks/a.ts"),
      'the module "file://host/srv/app/hooks/a.ts" may not be imported: it names a host',
    );
    assert.match(reasonOf("/srv/app/hooks/../a.ts"), /it climbs out with \.\.$/);
    assert.match(reasonOf("/srv/app/other/a.ts"), /it is in no trusted folder$/);
    assert.match(reasonOf("data:text/javascript,0"), /expected an absolute path or a file: URL$/);
  });

  it("refuses what is no text", () => {
    for (const module of [
      null,
      undefined,
      1,
      {},
      ["/srv/app/hooks/a.ts"],
      new URL("file:///a.ts"),
    ]) {
      assert.equal(decideModuleAccess(module as string, TRUSTED).ok, false);
    }
  });

  it("trusts nothing when nothing is, and ignores trusted folders that are none", () => {
    const module = "/srv/app/hooks/a.ts";
    for (const trusted of [
      [],
      ["/srv/app/hooks/"],
      ["file:///srv/app/hooks"],
      ["/"],
      ["file:"],
      [""],
    ]) {
      assert.equal(decideModuleAccess(module, trusted).ok, false, String(trusted));
    }
    assert.equal(decideModuleAccess(module, ["file:///"]).ok, true);
  });

  it("a package that is trusted itself may lie in node_modules", () => {
    const trusted = ["file:///srv/node_modules/shop/"];
    assert.ok(decideModuleAccess("/srv/node_modules/shop/a.js", trusted).ok);
    assert.ok(!decideModuleAccess("/srv/node_modules/shop/node_modules/lib/a.js", trusted).ok);
  });
});

describe("the names of functions", () => {
  for (const name of FUNCTIONS_DENIED) {
    it(`${JSON.stringify(name.slice(0, 40))} is refused`, () => {
      assert.notEqual(decideFunctionAccess(name), null);
    });
  }

  it("identifiers are allowed", () => {
    for (const name of ["a", "check_user", "$", "_private", "größe", "evaluate", "x".repeat(256)]) {
      assert.equal(decideFunctionAccess(name), null, name);
    }
  });

  it("what is no text is refused", () => {
    for (const name of [null, undefined, 1, ["check"], { toString: () => "check" }]) {
      assert.notEqual(decideFunctionAccess(name as string), null);
    }
  });
});

describe("the files behind the names", () => {
  let folder = "";
  const url = (path: string): string => pathToFileURL(join(folder, path)).href;
  const resolve = (path: string, trusted: readonly string[]) =>
    resolveModuleAccess(join(folder, path), trusted.map(url));

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "troupe-access-")));
    for (const name of ["trusted", "trusted-evil", "outside", "trusted/sub"]) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, "a.ts"), "export const a = 1;\n");
    }
    symlinkSync(join(folder, "outside/a.ts"), join(folder, "trusted/leaves.ts"));
    symlinkSync(join(folder, "outside"), join(folder, "trusted/leaves"));
    symlinkSync("../outside", join(folder, "trusted/relative"));
    symlinkSync(join(folder, "trusted/sub"), join(folder, "trusted/stays"));
    symlinkSync(join(folder, "trusted/a.ts"), join(folder, "outside/enters.ts"));
    symlinkSync(join(folder, "trusted"), join(folder, "alias"));
    symlinkSync(join(folder, "trusted/loop.ts"), join(folder, "trusted/loop.ts"));
    symlinkSync("/dev/null", join(folder, "trusted/device.ts"));
  });

  after(() => rmSync(folder, { recursive: true }));

  it("follows symlinks, and refuses those that leave", () => {
    for (const path of ["leaves.ts", "leaves/a.ts", "relative/a.ts", "device.ts"]) {
      const access = resolve(`trusted/${path}`, ["trusted/"]);
      assert.ok(!access.ok);
      assert.match(access.reason, /a symlink leads it out/);
    }
    assert.deepEqual(resolve("trusted/stays/a.ts", ["trusted/"]), {
      ok: true,
      url: url("trusted/sub/a.ts"),
    });
    assert.deepEqual(resolve("outside/enters.ts", ["trusted/"]), {
      ok: true,
      url: url("trusted/a.ts"),
    });
  });

  it("knows a trusted folder and a trusted file by each of their names", () => {
    const real = { ok: true, url: url("trusted/a.ts") };
    assert.deepEqual(resolve("alias/a.ts", ["trusted/"]), real);
    assert.deepEqual(resolve("trusted/a.ts", ["alias/"]), real);
    assert.deepEqual(resolve("trusted/a.ts", ["outside/enters.ts"]), real);
    assert.ok(!resolve("outside/a.ts", ["trusted/leaves.ts/"]).ok);
  });

  it("refuses neighbours, missing files, loops, and folders that are gone", () => {
    assert.ok(!resolve("trusted-evil/a.ts", ["trusted/"]).ok);
    assert.ok(!resolve("trusted/missing.ts", ["trusted/"]).ok);
    assert.ok(!resolve("trusted/loop.ts", ["trusted/"]).ok);
    assert.ok(!resolve("outside/a.ts", ["gone/", "outside/b.ts"]).ok);
  });

  it("keeps the query", () => {
    const access = resolveModuleAccess(`${url("alias/a.ts")}?v=3`, [url("trusted/")]);
    assert.deepEqual(access, { ok: true, url: `${url("trusted/a.ts")}?v=3` });
  });
});
