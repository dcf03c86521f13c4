import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { addressKey, formatPid, parsePid } from "../../../runtime/core/index.ts";

const small = fc.nat(999_999_999);
const address = fc.record({
  node: fc.oneof(
    fc.constant("0"),
    fc.nat(65_535).map((port) => `users@127.0.0.1:${port}`),
  ),
  thread: small,
  id: fc.nat(10 ** 15 - 1),
  incarnation: small,
});

test("a printed pid parses to what it was printed from", () => {
  fc.assert(
    fc.property(address, (it) => {
      const { node, thread, id } = it;
      assert.deepEqual(parsePid(formatPid(it)), { node, thread, id });
      assert.deepEqual(parsePid(` ${formatPid(it).slice(1, -1)} `), { node, thread, id });
    }),
  );
});

test("what is no pid is undefined", () => {
  for (const text of ["", "0.2", "<0.2.x>", "<0.2.1.1>", "<-1.2.3>", "users", "<0.2.1e3>"]) {
    assert.equal(parsePid(text), undefined, text);
  }
});

test("keys are equal exactly for equal addresses", () => {
  fc.assert(
    fc.property(address, address, (one, other) => {
      const same =
        one.node === other.node &&
        one.thread === other.thread &&
        one.id === other.id &&
        one.incarnation === other.incarnation;
      assert.equal(addressKey(one) === addressKey(other), same);
      assert.equal(addressKey(one), addressKey({ ...one }));
    }),
  );
});
