import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Catalog, type CatalogEntry, type Lookup } from "../../../actors/registry/catalog.ts";
import { compareVersions } from "../../../actors/registry/version.ts";

interface Entry extends CatalogEntry {
  readonly serial: number;
}

function entry(version: string | null, disabled = false, serial = 0): Entry {
  return { service: "user_service", requestType: "get_user", version, disabled, serial };
}

function filled(...entries: readonly Entry[]): Catalog<Entry> {
  const catalog = new Catalog<Entry>();
  for (const item of entries) catalog.set(item);
  return catalog;
}

function unsupported(version: string): Lookup<Entry> {
  const message = `unsupported function: get_user version ${version}`;
  return { ok: false, code: "unsupported_function", message };
}

function disabled(version: string): Lookup<Entry> {
  const message = `disabled function: get_user version ${version}`;
  return { ok: false, code: "disabled_function", message };
}

describe("lookup", () => {
  it("refuses an unknown service, function and version by name", () => {
    const catalog = filled(entry("1.0.0"));
    assert.deepEqual(catalog.lookup("no_service", "get_user"), unsupported("latest"));
    assert.deepEqual(catalog.lookup("user_service", "nope", "1.0.0"), {
      ok: false,
      code: "unsupported_function",
      message: "unsupported function: nope version 1.0.0",
    });
    assert.deepEqual(catalog.lookup("user_service", "get_user", "9.9.9"), unsupported("9.9.9"));
  });

  it("answers a disabled version as disabled, asked for or the only one", () => {
    const catalog = filled(entry("1.0.0", true));
    assert.deepEqual(catalog.lookup("user_service", "get_user", "1.0.0"), disabled("1.0.0"));
    assert.deepEqual(catalog.lookup("user_service", "get_user"), disabled("latest"));
    assert.deepEqual(catalog.lookup("user_service", "get_user", null), disabled("latest"));
  });

  it("falls back to the highest enabled version, by number and not by text", () => {
    const highest = entry("1.10.0");
    const catalog = filled(
      entry("1.9.0"),
      highest,
      entry("2.0.0-rc.1", true),
      entry("3.0.0", true),
    );
    assert.deepEqual(catalog.lookup("user_service", "get_user"), { ok: true, entry: highest });
  });

  it("stores the reserved version as none", () => {
    const catalog = filled(entry("0.0.0"), entry("5.0.0"));
    for (const version of [undefined, null, "0.0.0"]) {
      const found = catalog.lookup("user_service", "get_user", version);
      assert.equal(found.ok && found.entry.version, "0.0.0");
    }
    assert.equal(catalog.delete("user_service", "get_user", null), true);
    assert.equal(catalog.count(), 1);
  });

  it("allocates nothing for what it finds or knows to be disabled", () => {
    const catalog = filled(entry("1.0.0"), entry("2.0.0", true));
    for (const version of [undefined, "1.0.0", "2.0.0"]) {
      const outcome = catalog.lookup("user_service", "get_user", version);
      assert.equal(catalog.lookup("user_service", "get_user", version), outcome);
      assert.ok(Object.isFrozen(outcome));
    }
  });

  it("knows no inherited names", () => {
    const catalog = filled(entry(null));
    for (const name of ["__proto__", "constructor", "toString"]) {
      assert.equal(catalog.lookup(name, "get_user").ok, false);
      assert.equal(catalog.lookup("user_service", name).ok, false);
      assert.equal(catalog.lookup("user_service", "get_user", name).ok, false);
    }
  });
});

describe("list", () => {
  it("orders by service, request type and version, unversioned first", () => {
    const other = { ...entry("1.0.0"), service: "a_service", requestType: "z" };
    const first = { ...entry("1.0.0"), requestType: "a" };
    const catalog = filled(entry("1.10.0"), entry("1.9.0"), entry(null), other, first);
    assert.deepEqual(
      catalog.list().map((item) => [item.service, item.requestType, item.version]),
      [
        ["a_service", "z", "1.0.0"],
        ["user_service", "a", "1.0.0"],
        ["user_service", "get_user", null],
        ["user_service", "get_user", "1.9.0"],
        ["user_service", "get_user", "1.10.0"],
      ],
    );
    assert.deepEqual(catalog.list("a_service"), [other]);
    assert.deepEqual(catalog.list("nowhere"), []);
  });
});

describe("any sequence of changes", () => {
  const services = fc.constantFrom("s", "t", "__proto__");
  const requestTypes = fc.constantFrom("f", "g", "constructor");
  const versions = fc.constantFrom(null, "0.0.0", "1.0.0", "1.0.0-rc.1", "1.10.0", "1.9.0", "x");
  const command = fc.record({
    kind: fc.constantFrom("set", "set", "set", "delete"),
    service: services,
    requestType: requestTypes,
    version: versions,
    disabled: fc.boolean(),
  });

  it("answers as a plain list of entries does", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const catalog = new Catalog<Entry>();
        let model: Entry[] = [];
        commands.forEach(({ kind, ...key }, serial) => {
          const rest = model.filter((item) => !isSame(item, key));
          if (kind === "delete") {
            const removed = catalog.delete(key.service, key.requestType, key.version);
            assert.equal(removed, rest.length < model.length);
            model = rest;
          } else {
            const added = { ...key, serial };
            catalog.set(added);
            model = [...rest, added];
          }
          assert.equal(catalog.count(), model.length);
        });
        assert.deepEqual(new Set(catalog.list()), new Set(model));
        for (const service of ["s", "t", "__proto__", "nowhere"]) {
          for (const requestType of ["f", "g", "constructor", "nothing"]) {
            for (const version of [undefined, null, "0.0.0", "1.0.0", "1.10.0", "x", "9.9.9"]) {
              assert.deepEqual(
                catalog.lookup(service, requestType, version),
                lookupInModel(model, service, requestType, version),
              );
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

type Key = Pick<Entry, "service" | "requestType" | "version">;

function plain(version: string | null | undefined): string | null {
  return version === "0.0.0" || version === undefined ? null : version;
}

function isSame(a: Key, b: Key): boolean {
  const sameFunction = a.service === b.service && a.requestType === b.requestType;
  return sameFunction && plain(a.version) === plain(b.version);
}

function lookupInModel(
  model: readonly Entry[],
  service: string,
  requestType: string,
  version: string | null | undefined,
): Lookup<Entry> {
  const all = model.filter((item) => item.service === service && item.requestType === requestType);
  const asked = plain(version);
  const enabled = all
    .filter((item) => !item.disabled)
    .sort((a, b) => compareVersions(b.version ?? "", a.version ?? ""));
  const exact = all.find((item) => plain(item.version) === asked);
  const chosen = exact ?? (asked === null ? (enabled[0] ?? all[0]) : undefined);
  if (chosen !== undefined && !chosen.disabled) return { ok: true, entry: chosen };
  const state = chosen === undefined ? "unsupported" : "disabled";
  return {
    ok: false,
    code: `${state}_function`,
    message: `${state} function: ${requestType} version ${asked ?? "latest"}`,
  };
}
