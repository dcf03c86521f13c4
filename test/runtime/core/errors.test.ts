import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import {
  type ErrorRecord,
  fromErrorRecord,
  isReplyError,
  ReplyError,
  TroupeError,
  toErrorRecord,
} from "../../../runtime/core/index.ts";
import { hostileError } from "../../fixtures/hostile-error.ts";

const recordArbitrary: fc.Arbitrary<ErrorRecord> = fc
  .array(
    fc.record(
      {
        name: fc.string(),
        code: fc.string(),
        message: fc.string(),
        stack: fc.string(),
        reply: fc.constant(true),
        retryAfterMs: fc.double({ noNaN: true }),
      },
      { requiredKeys: ["name", "code", "message", "stack"], noNullPrototype: true },
    ),
    { minLength: 1, maxLength: 5 },
  )
  // Only a ReplyError says when to come back.
  .map((chain) =>
    chain.map(({ retryAfterMs: ms, ...rest }) =>
      rest.reply && ms !== undefined ? { ...rest, retryAfterMs: ms } : rest,
    ),
  )
  .map((chain) =>
    chain.reduceRight<ErrorRecord | undefined>(
      (cause, record) => (cause === undefined ? record : { ...record, cause }),
      undefined,
    ),
  ) as fc.Arbitrary<ErrorRecord>;

test("a record survives being thrown on the other side, and a structured clone", () => {
  fc.assert(
    fc.property(recordArbitrary, (record) => {
      assert.deepEqual(toErrorRecord(fromErrorRecord(structuredClone(record))), record);
    }),
  );
});

test("name, code, message, stack and causes are kept; a ReplyError stays one", () => {
  const cause = new RangeError("below");
  const error = new ReplyError(
    "not_found",
    "no user 7",
    new TroupeError("inner", "between", cause),
  );
  const copy = fromErrorRecord(toErrorRecord(error));
  assert.ok(copy instanceof ReplyError);
  assert.equal(copy.code, "not_found");
  assert.equal(copy.message, "no user 7");
  assert.equal(copy.stack, error.stack);
  const inner = copy.cause as TroupeError;
  assert.equal(inner instanceof ReplyError, false);
  assert.equal(inner.code, "inner");
  assert.equal((inner.cause as Error).name, "RangeError");
  assert.equal((inner.cause as Error).stack, cause.stack);
});

test("a chain of causes that bites its tail is cut", () => {
  const one = new Error("one");
  one.cause = new Error("two", { cause: one });
  let depth = 0;
  for (let it: ErrorRecord | undefined = toErrorRecord(one); it !== undefined; it = it.cause) {
    depth += 1;
  }
  assert.equal(depth, 5);
});

test("whatever is thrown has a record", () => {
  const noText = {
    toString() {
      throw new Error("no");
    },
  };
  for (const thrown of [undefined, null, 0, "text", Symbol("s"), {}, Object.create(null), noText]) {
    const record = toErrorRecord(thrown);
    assert.equal(record.name, "Error");
    assert.equal(typeof record.message, "string");
    structuredClone(record);
  }
  assert.equal(toErrorRecord("text").message, "text");
});

test("what cannot be asked what it is has a record, and is no answer", () => {
  const { proxy: revoked, revoke } = Proxy.revocable(new ReplyError("a", "b"), {});
  revoke();
  const unreadable = new Proxy(new ReplyError("a", "b"), {
    get() {
      throw new Error("no");
    },
  });
  for (const thrown of [hostileError(), revoked, unreadable]) {
    const record = toErrorRecord(thrown);
    assert.equal(typeof record.message, "string");
    assert.equal(record.reply, undefined);
    assert.equal(isReplyError(thrown), false);
  }
  assert.equal(isReplyError(new ReplyError("a", "b")), true);
  assert.equal(isReplyError(new TroupeError("a", "b")), false);
});

test("an error whose properties throw, or are no texts, has a record as well", () => {
  const hostile = new Error("x");
  for (const property of ["name", "message", "stack", "code", "cause"]) {
    Object.defineProperty(hostile, property, {
      get() {
        throw new Error("no");
      },
    });
  }
  assert.equal(typeof toErrorRecord(hostile).message, "string");

  const odd = Object.assign(new Error("x"), { message: { a: () => 1 }, name: 7, stack: [] });
  const record = toErrorRecord(odd);
  assert.equal(typeof record.message, "string");
  assert.equal(typeof record.name, "string");
  structuredClone(record);
});
