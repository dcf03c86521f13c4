import assert from "node:assert/strict";
import { test } from "node:test";
import { ReplyError, TroupeError } from "#runtime";
import {
  type AttemptEnd,
  circuitOpen,
  decideAttemptEnd,
  decideCallFailure,
  decideHealth,
} from "../../../actors/execution/call-failure.ts";
import { HANDLER_FAILED } from "../../../actors/request/error-codes.ts";

const codeOf = (error: unknown): string => decideCallFailure(error, "users", "get").code;

test("what the runtime says of an ask becomes the code of the contract", () => {
  const codes = {
    ...{ no_actor: "unavailable", actor_stopped: "unavailable", mailbox_full: "queue_full" },
    ...{ link_full: "queue_full", ask_timeout: "timeout", cancelled: "cancelled" },
    ...{ thread_down: "outcome_unknown", abandoned: "outcome_unknown", actor_crashed: "internal" },
    ...{ unknown_method: "internal", not_serialisable: "internal" },
    ...{ node_down: "outcome_unknown", unreachable: "unavailable", message_too_large: "internal" },
  };
  for (const [code, expected] of Object.entries(codes)) {
    assert.equal(codeOf(new TroupeError(code, "x")), expected, code);
  }
  assert.equal(codeOf(new Error("x")), "internal");
  assert.equal(codeOf(undefined), "internal");
});

test("a way to another node that is full is an outage of that node, not a queue of the service", () => {
  for (const [code, expected] of [
    ["link_full", "unavailable"],
    ["mailbox_full", "queue_full"],
  ] as const) {
    const failure = decideCallFailure(new TroupeError(code, "x"), "users", "get", true);
    assert.equal(failure.code, expected);
  }
});

test("how an attempt ended decides what may follow, and what its breaker hears", () => {
  const rows: readonly (readonly [code: string, end: string, health: string])[] = [
    ["no_actor", "not_taken", "ignored"],
    ["actor_stopped", "not_taken", "ignored"],
    ["mailbox_full", "not_taken", "ignored"],
    ["link_full", "not_taken", "ignored"],
    ["unreachable", "not_taken", "ignored"],
    ["thread_down", "lost", "failure"],
    ["node_down", "lost", "failure"],
    ["message_too_large", "misdirected", "ignored"],
    ["abandoned", "lost", "failure"],
    ["actor_crashed", "failed", "failure"],
    ["ask_timeout", "timed_out", "failure"],
    ["cancelled", "cancelled", "ignored"],
    ["unknown_method", "mismatched", "ignored"],
    ["not_serialisable", "misdirected", "ignored"],
    ["unheard_of", "failed", "failure"],
    ["toString", "failed", "failure"],
  ];
  for (const [code, end, health] of rows) {
    for (const isPool of [false, true]) {
      assert.equal(decideAttemptEnd(new TroupeError(code, "x"), isPool), end, code);
    }
    assert.equal(decideHealth(end as AttemptEnd, false), health, code);
    // What is lost here is started anew by its supervisor.
    const supervised = end === "lost" ? "ignored" : health;
    assert.equal(decideHealth(end as AttemptEnd, true), supervised, code);
    const own = new ReplyError(code, "a function's own code");
    assert.equal(decideAttemptEnd(own, false), "answered", code);
  }
  assert.equal(decideAttemptEnd(new ReplyError(HANDLER_FAILED, "x"), false), "failed");
  assert.equal(decideAttemptEnd(new Error("x"), false), "failed");
  assert.equal(decideAttemptEnd(undefined, true), "failed");
  assert.equal(decideHealth("answered", true), "success");
  assert.equal(decideHealth("no_replica", false), "ignored");
  assert.equal(decideHealth("refused", false), "ignored");
});

test("a pool answers in its own name what an actor's runtime would say", () => {
  const ends = {
    ...{ queue_full: "not_taken", unavailable: "not_taken", outcome_unknown: "lost" },
    ...{ timeout: "timed_out", cancelled: "cancelled", sold_out: "answered" },
  };
  for (const [code, end] of Object.entries(ends)) {
    assert.equal(decideAttemptEnd(new ReplyError(code, "x"), true), end, code);
    assert.equal(decideAttemptEnd(new ReplyError(code, "x"), false), "answered", code);
  }
});

test("an open circuit says when to come back", () => {
  const { code, retryAfterMs, message } = circuitOpen("users", 1_200);
  assert.deepEqual([code, retryAfterMs], ["circuit_open", 1_200]);
  assert.match(message, /users/);
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
