import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplyError, TroupeError } from "#runtime";
import {
  decideCallFailure,
  HANDLER_FAILED,
  isNotTaken,
} from "../../../actors/execution/call-failure.ts";

const codeOf = (error: unknown): string => decideCallFailure(error, "users", "get").code;

test("what the runtime says of an ask becomes the code of the contract", () => {
  const codes = {
    ...{ no_actor: "unavailable", actor_stopped: "unavailable", mailbox_full: "queue_full" },
    ...{ link_full: "queue_full", ask_timeout: "timeout", cancelled: "cancelled" },
    ...{ thread_down: "outcome_unknown", abandoned: "outcome_unknown", actor_crashed: "internal" },
    ...{ unknown_method: "internal", not_serialisable: "internal" },
  };
  for (const [code, expected] of Object.entries(codes)) {
    assert.equal(codeOf(new TroupeError(code, "x")), expected, code);
  }
  assert.equal(codeOf(new Error("x")), "internal");
  assert.equal(codeOf(undefined), "internal");
});

test("only what was surely not begun may be sent to another instance", () => {
  const notTaken = ["no_actor", "actor_stopped", "mailbox_full", "link_full"];
  for (const code of notTaken) {
    assert.ok(isNotTaken(new TroupeError(code, "x")), code);
    assert.ok(!isNotTaken(new ReplyError(code, "a function's own code")), code);
  }
  for (const code of ["ask_timeout", "thread_down", "abandoned", "actor_crashed"]) {
    assert.ok(!isNotTaken(new TroupeError(code, "x")), code);
  }
  assert.ok(!isNotTaken(new Error("x")));
});

test("a function's own error reaches the client as it is; what it did not mean to say does not", () => {
  const own = decideCallFailure(new ReplyError("mailbox_full", "of letters"), "users", "get");
  assert.deepEqual(own, {
    code: "mailbox_full",
    message: "of letters",
    detail: null,
    logged: true,
  });
  const failed = decideCallFailure(new ReplyError(HANDLER_FAILED, "secret"), "users", "get");
  assert.equal(failed.message, "Internal Server Error");
  assert.equal(failed.detail, "secret");
  const crashed = new TroupeError("actor_crashed", "crashed in get", new Error("cause"));
  assert.equal(decideCallFailure(crashed, "users", "get").detail, "cause");
  assert.equal(decideCallFailure(new Error("unheard of"), "users", "get").logged, false);
});
