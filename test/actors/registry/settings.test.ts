import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  booleanField,
  boundField,
  mapField,
  nameField,
  nullable,
  omittable,
  parseSettings,
  type SettingFields,
  selectDefaults,
  wholeField,
} from "../../../actors/registry/index.ts";

interface Sample {
  readonly maxSize: number;
  readonly perSecond: number | null;
  readonly isOn: boolean;
  readonly owner: { readonly fullName: string; readonly ageMs: number } | null;
}

const fields: SettingFields<Sample> = {
  maxSize: omittable(wholeField(1, 10, 5)),
  perSecond: boundField(1, 10, 7),
  isOn: booleanField(true),
  owner: nullable(mapField({ fullName: nameField, ageMs: wholeField(0, 9, 1, "ms") })),
};

const defaults: Sample = { maxSize: 5, perSecond: 7, isOn: true, owner: null };

function faultsOf(input: unknown): readonly string[] {
  const outcome = parseSettings(fields, input, "sample");
  assert.ok(!outcome.ok, JSON.stringify(outcome));
  return outcome.faults;
}

describe("the reader of settings", () => {
  it("fills in what is left out, undefined, or null where null says nothing else", () => {
    assert.deepEqual(selectDefaults(fields), defaults);
    for (const input of [undefined, {}, { max_size: undefined, isOn: undefined, maxSize: null }]) {
      assert.deepEqual(parseSettings(fields, input, "sample"), { ok: true, settings: defaults });
    }
    const bare = parseSettings(fields, { perSecond: null, owner: { fullName: "a" } }, "sample");
    assert.ok(bare.ok);
    assert.deepEqual(bare.settings, {
      ...{ ...defaults, perSecond: null },
      owner: { fullName: "a", ageMs: 1 },
    });
    assert.ok(Object.isFrozen(bare.settings) && Object.isFrozen(bare.settings.owner));
    assert.deepEqual(
      parseSettings(fields, bare.settings, "sample"),
      bare,
      "it reads back as itself",
    );
  });

  it("reads both spellings, and tells faults under the one that was given", () => {
    const snake = {
      max_size: 1,
      per_second: 2,
      is_on: false,
      owner: { full_name: "a", age_ms: 0 },
    };
    const camel = { maxSize: 1, perSecond: 2, isOn: false, owner: { fullName: "a", ageMs: 0 } };
    assert.deepEqual(parseSettings(fields, snake, ""), { ok: true, settings: camel });
    assert.deepEqual(faultsOf({ max_size: 11, perSecond: 0, is_on: "no", owner: { age_ms: 10 } }), [
      "sample.max_size: expected a whole number from 1 to 10, received 11",
      "sample.perSecond: expected a whole number from 1 to 10, or null, received 0",
      'sample.is_on: expected true or false, received "no"',
      "sample.owner.fullName: expected a non-empty string of at most 256 bytes, received nothing",
      "sample.owner.age_ms: expected a whole number of ms from 0 to 9, received 10",
    ]);
  });

  it("refuses what is no map, keys that there are none of, and one that is given twice", () => {
    const shape = "a map { maxSize?, perSecond?, isOn?, owner? }";
    for (const [input, printed] of [
      [null, "null"],
      [7, "7"],
      [[], "[]"],
    ]) {
      assert.deepEqual(faultsOf(input), [`sample: expected ${shape}, received ${printed}`]);
    }
    assert.deepEqual(faultsOf({ owner: 1 }), [
      "sample.owner: expected a map { fullName, ageMs? }, received 1",
    ]);
    const known = "expected one of maxSize, perSecond, isOn, owner";
    for (const key of ["size", "constructor", "__proto__"]) {
      assert.deepEqual(faultsOf(JSON.parse(`{"${key}":1}`)), [
        `sample: unknown key "${key}": ${known}`,
      ]);
    }
    assert.deepEqual(faultsOf({ isOn: true, is_on: true }), [
      "sample.is_on: given twice, also as isOn",
    ]);
  });
});
