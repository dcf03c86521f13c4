import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import Type from "typebox";
import { compile } from "./argument-check.ts";

// What a refusal costs is counted, not timed: how often the received object is touched, compared
// with its size.

interface Counted<T extends object> {
  readonly value: T;
  /** How often a key was listed or looked up, and how often a value was read. */
  readonly looks: () => number;
  readonly reads: () => number;
}

/** `target`, with every touch of it counted. */
function counted<T extends object>(target: T): Counted<T> {
  let looks = 0;
  let reads = 0;
  const value = new Proxy(target, {
    get(object, key) {
      if (key !== "length") reads += 1;
      return Reflect.get(object, key);
    },
    has(object, key) {
      looks += 1;
      return Reflect.has(object, key);
    },
    ownKeys(object) {
      const keys = Reflect.ownKeys(object);
      looks += keys.length;
      return keys;
    },
    getOwnPropertyDescriptor(object, key) {
      looks += 1;
      return Reflect.getOwnPropertyDescriptor(object, key);
    },
  });
  return { value, looks: () => looks, reads: () => reads };
}

function entries(count: number): Record<string, unknown> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
}

/** Counts the UTF-16 units that are encoded, printed or matched while `run` runs. */
function unitsTouched(t: TestContext, run: () => void): number {
  let units = 0;
  const note = (text: unknown): void => {
    if (typeof text === "string") units += text.length;
  };
  const { byteLength } = Buffer;
  const { stringify } = JSON;
  const bytes = t.mock.method(Buffer, "byteLength", (text: string) => {
    note(text);
    return byteLength(text);
  });
  const json = t.mock.method(JSON, "stringify", (text: unknown) => {
    note(text);
    return stringify(text);
  });
  run();
  bytes.mock.restore();
  json.mock.restore();
  return units;
}

const KEYS = 10_000;

describe("what a refusal costs", () => {
  it("10,000 unknown arguments: each key a few times, no value", () => {
    const check = compile({ x: "num" });
    const args = counted(entries(KEYS));
    const outcome = check(args.value);
    assert.ok(!outcome.ok && outcome.message.endsWith("and 9990 more"));
    assert.ok(args.looks() <= 6 * KEYS, String(args.looks()));
    assert.equal(args.reads(), 0);
  });

  for (const spec of [
    { type: "map" },
    { type: "map", max_items: 10 },
    { type: "map", accept: ["a"], max_items: KEYS },
    { type: "map", required: ["a"], max_items: KEYS },
  ]) {
    it(`a map of 10,000 keys for ${JSON.stringify(spec)}: each key a few times, no value`, () => {
      const map = counted(entries(KEYS));
      assert.equal(compile({ x: spec })({ x: map.value }).ok, false);
      assert.ok(map.looks() <= 6 * KEYS + 100, String(map.looks()));
      assert.equal(map.reads(), 0);
    });
  }

  it("a map of 10,000 keys for something else: what the message shows, and no more", () => {
    for (const type of ["string", "num", "boolean", "uuid", "datetime", "list", "list_map"]) {
      const map = counted(entries(KEYS));
      assert.equal(compile({ x: type })({ x: map.value }).ok, false);
      assert.ok(map.reads() <= 100, `${type}: ${map.reads()}`);
    }
  });

  it("a list that is too long: not one item", () => {
    for (const type of ["list", "list_string", "list_num", "list_uuid", "list_map"]) {
      const list = counted(new Array(1_000_000).fill("a"));
      assert.equal(compile({ x: type })({ x: list.value }).ok, false);
      assert.equal(list.reads(), 0, type);
    }
  });

  it("a list with a bad item: the items up to it, twice at most", () => {
    for (const type of ["list_string", "list_num", "list_uuid", "list_map"]) {
      const list = counted(new Array(1_000).fill(null));
      assert.equal(compile({ x: type })({ x: list.value }).ok, false);
      assert.ok(list.reads() <= 4, `${type}: ${list.reads()}`);
    }
  });

  it("a text of a megabyte: its length, and what the message shows", (t) => {
    for (const text of ["a".repeat(1_000_000), "😀".repeat(500_000), "\ud83d".repeat(1_000_000)]) {
      for (const type of ["string", "num", "uuid", "datetime", "naive_datetime", "list", "map"]) {
        const check = compile({ x: type });
        const units = unitsTouched(t, () => {
          assert.equal(check({ x: text }).ok, false);
        });
        assert.ok(units <= 1_000, `${type}: ${units}`);
      }
      const check = compile({ x: { type: "list_string", max_items: 10 } });
      const units = unitsTouched(t, () => {
        assert.equal(check({ x: ["a", text] }).ok, false);
      });
      assert.ok(units <= 1_000, `list_string: ${units}`);
    }
  });

  it("a name of a megabyte: what the message shows", (t) => {
    const check = compile({ x: "num" });
    const units = unitsTouched(t, () => {
      assert.equal(check({ ["n".repeat(1_000_000)]: 1 }).ok, false);
    });
    assert.ok(units <= 1_000, String(units));
  });

  it("any: nothing of what it is", () => {
    const map = counted(entries(KEYS));
    assert.equal(compile({ x: "any" })({ x: map.value }).ok, true);
    assert.equal(map.looks() + map.reads(), 0);
  });
});

describe("what a refusal by an object schema costs", () => {
  const texts = Type.Object({ x: Type.Array(Type.String()), y: Type.Optional(Type.Number()) });

  it("a list with a bad item: the items up to it, and one count of them", () => {
    for (const count of [20_000, 200_000]) {
      const list = counted(new Array(count).fill(1));
      const outcome = compile(texts)({ x: list.value });
      const message = 'invalid arguments for "types", too many values to tell which';
      assert.deepEqual(outcome, { ok: false, message });
      assert.ok(list.reads() <= 10, String(list.reads()));
    }
    const few = compile(texts)({ x: ["a", 1] });
    assert.ok(!few.ok && few.message.includes('"x[1]"'));
  });

  it("what is longer than the schema says is told as such, however long it is", () => {
    const check = compile(
      Type.Object({
        list: Type.Array(Type.Number(), { maxItems: 10 }),
        map: Type.Optional(Type.Record(Type.String(), Type.Number(), { maxProperties: 10 })),
      }),
    );
    const outcomes = [
      check({ list: new Array(11).fill(1) }),
      check({ list: new Array(100_000).fill(1) }),
      check({ list: [], map: entries(11) }),
      check({ list: [], map: entries(100_000) }),
    ];
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.ok ? "" : outcome.message)),
      [
        'invalid argument size for "list", max 10 items',
        'invalid argument size for "list", max 10 items',
        'invalid argument size for "map", max 10 entries',
        'invalid argument size for "map", max 10 entries',
      ],
    );
  });

  it("values in the depth count as well", () => {
    const check = compile(Type.Object({ x: Type.Number() }));
    const wide = { x: [[new Array(9_000).fill([1, 2])]] };
    const outcome = check(wide);
    assert.ok(!outcome.ok && outcome.message.endsWith("too many values to tell which"));
    const narrow = check({ x: [[new Array(900).fill([1, 2])]] });
    assert.ok(!narrow.ok && narrow.message.startsWith('invalid argument type for "x"'));
  });
});
