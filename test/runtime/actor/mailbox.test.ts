import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { Mailbox } from "../../../runtime/actor/mailbox.ts";

test("a mailbox is a queue, however it grows, wraps and empties", () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: -220, max: -1 }))),
      (script) => {
        const mailbox = new Mailbox<{ n: number }>();
        const model: { n: number }[] = [];
        let next = 0;
        for (const count of script) {
          for (let i = 0; i < count; i += 1) {
            const item = { n: next };
            mailbox.push(item);
            model.push(item);
            next += 1;
          }
          for (let i = 0; i < -count; i += 1) assert.equal(mailbox.shift(), model.shift());
          assert.equal(mailbox.size, model.length);
        }
        while (model.length > 0) assert.equal(mailbox.shift(), model.shift());
        assert.equal(mailbox.shift(), undefined);
        assert.equal(mailbox.size, 0);
      },
    ),
  );
});
