import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { adminActions, decideAdmin } from "../../../actors/gateway/admin-gate.ts";

describe("what administrators may do", () => {
  it("is nothing by default", () => {
    for (const action of adminActions) assert.equal(decideAdmin(action, [], ["admin"]).ok, false);
  });

  it("is what is allowed, with the role", () => {
    for (const action of adminActions) {
      assert.equal(decideAdmin(action, [action], ["user", "admin"]).ok, true);
      assert.equal(decideAdmin(action, [action], ["user"]).ok, false);
      assert.equal(decideAdmin(action, [action], []).ok, false);
      const others = adminActions.filter((other) => other !== action);
      const decision = decideAdmin(action, others, ["admin"]);
      assert.deepEqual(decision, {
        ...{ ok: false, code: "permission_denied" },
        message: `${action} is not allowed on this gateway`,
      });
    }
  });
});
