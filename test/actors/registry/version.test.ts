import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareVersions, parseVersion, selectVersion } from "../../../actors/registry/version.ts";

/** Ascending; the prereleases of 1.0.0 are the example of semver.org, section 11. */
const ASCENDING = [
  "",
  "1.0",
  "v9.9.9",
  "0.0.1-0",
  "0.0.1",
  "0.1.0",
  "1.0.0-0",
  "1.0.0-9",
  "1.0.0-10",
  "1.0.0-99999999999999999999",
  "1.0.0--",
  "1.0.0-0a",
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.0.0+build.1",
  "1.0.1-alpha",
  "1.9.0",
  "1.10.0",
  "2.0.0",
  "2.1.0",
  "2.1.1",
  "99999999999999999999.0.0",
  "100000000000000000000.0.0",
];

const identifier = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 20n }).map(String),
  fc.stringMatching(/^[0-9]{0,2}[A-Za-z-][0-9A-Za-z-]{0,3}$/),
);
const number = fc.oneof(fc.nat(3), fc.bigInt({ min: 0n, max: 10n ** 20n })).map(String);
const semver = fc
  .tuple(
    number,
    number,
    number,
    fc.array(identifier, { maxLength: 3 }),
    fc.constantFrom("", "+b", "+1.c"),
  )
  .map(
    ([major, minor, patch, prerelease, build]) =>
      `${major}.${minor}.${patch}${prerelease.length > 0 ? `-${prerelease.join(".")}` : ""}${build}`,
  );
const text = fc.oneof(semver, fc.constantFrom(...ASCENDING), fc.string({ maxLength: 4 }));

describe("parseVersion", () => {
  it("takes a version apart", () => {
    assert.deepEqual(parseVersion("1.20.3-rc.1+sha.5"), {
      major: "1",
      minor: "20",
      patch: "3",
      prerelease: ["rc", "1"],
      build: "sha.5",
    });
  });

  for (const wrong of [
    ...["", "1", "1.0", "v1.0.0", "1.0.0.0", "01.0.0", "1.00.0", "1.0.0-", "1.0.0-01", "1.0.0+"],
    ...["1.0.0-a..b", "1.0.0-é", "1.0.0 ", " 1.0.0", "1.0.0\n", "-1.0.0", "1.0.0+a+b", "latest"],
  ]) {
    it(`refuses ${JSON.stringify(wrong)}`, () => assert.equal(parseVersion(wrong), null));
  }

  it("takes every version of the grammar", () => {
    fc.assert(fc.property(semver, (version) => parseVersion(version) !== null));
  });
});

describe("compareVersions", () => {
  it("orders every pair of the ascending list", () => {
    ASCENDING.forEach((left, i) => {
      ASCENDING.forEach((right, j) => {
        assert.equal(compareVersions(left, right), Math.sign(i - j), `${left} ~ ${right}`);
      });
    });
  });

  it("is a total order: antisymmetric, transitive, zero for the same string alone", () => {
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        assert.equal(compareVersions(a, b) + compareVersions(b, a), 0);
        assert.equal(compareVersions(a, b) === 0, a === b);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0) {
          assert.ok(compareVersions(a, c) <= 0);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("selectVersion", () => {
  const unversioned = { version: null, disabled: false };
  const one = { version: "1.9.0", disabled: false };
  const ten = { version: "1.10.0", disabled: false };
  const off = { version: "2.0.0", disabled: true };

  it("takes the version asked for, exactly", () => {
    assert.deepEqual(selectVersion([ten, one], "1.9.0"), { ok: true, entry: one });
    assert.deepEqual(selectVersion([ten, one], "1.9"), { ok: false, code: "unsupported_function" });
    assert.deepEqual(selectVersion([ten, off], "2.0.0"), { ok: false, code: "disabled_function" });
  });

  it("takes the unversioned entry when none is asked, else the highest enabled", () => {
    for (const none of [null, undefined, "0.0.0"]) {
      assert.deepEqual(selectVersion([ten, unversioned], none), { ok: true, entry: unversioned });
      assert.deepEqual(selectVersion([one, off, ten], none), { ok: true, entry: ten });
    }
  });

  it("answers for a disabled unversioned entry, enabled versions beside it or not", () => {
    const disabled = { version: null, disabled: true };
    assert.deepEqual(selectVersion([ten, disabled], null), {
      ok: false,
      code: "disabled_function",
    });
  });

  it("tells all disabled from none there", () => {
    assert.deepEqual(selectVersion([off], null), { ok: false, code: "disabled_function" });
    assert.deepEqual(selectVersion([], null), { ok: false, code: "unsupported_function" });
  });
});
