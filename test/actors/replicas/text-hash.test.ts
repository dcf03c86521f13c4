import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashText, mixHash } from "../../../actors/replicas/text-hash.ts";

test("hashes never change: replicas and keys of different versions have to agree", () => {
  const hashes = ["", "a", "user_1", "é€😀", "a".repeat(1_000)].map((text) => hashText(text));
  assert.deepEqual(hashes, [0, 721_651_713, 762_122_987, 3_253_774_492, 843_022_608]);
  assert.notEqual(hashText("a"), hashText("a", 1));
});

test("similar texts fall apart evenly", () => {
  const hashes = Array.from({ length: 64_000 }, (_, index) => hashText(`user_${index}`));
  for (const shift of [0, 13, 26]) {
    const counts = new Array<number>(64).fill(0);
    for (const hash of hashes)
      counts[(hash >>> shift) & 63] = (counts[(hash >>> shift) & 63] ?? 0) + 1;
    // Six standard deviations around the thousand that each should get.
    for (const count of counts) assert.ok(count > 810 && count < 1_190, `${count} of 1,000`);
  }
});

test("mixing keeps different numbers different, within 32 bits", () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff), (one, other) => {
      assert.equal(mixHash(one) === mixHash(other), one === other);
      assert.ok(mixHash(one) >= 0 && mixHash(one) <= 0xffff_ffff);
    }),
  );
});
