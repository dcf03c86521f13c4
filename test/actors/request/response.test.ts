import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ERROR_CODES } from "../../../actors/request/error-codes.ts";
import {
  encodeResponse,
  failureResponse,
  type Response,
  successResponse,
} from "../../../actors/request/response.ts";

function textOf(response: Response): string {
  const encoded = encodeResponse(response);
  assert.ok(encoded.ok);
  return encoded.text;
}

describe("a success", () => {
  it("has all seven fields in the order of the original", () => {
    assert.equal(
      textOf(successResponse("r1", "hello")),
      '{"error":null,"async":false,"success":true,"result":"hello","request_id":"r1","can_retry":false,"has_more":false}',
    );
  });

  it("says null for a result that JSON cannot show", () => {
    for (const result of [undefined, () => 1, Symbol("s"), Number.NaN]) {
      assert.equal(JSON.parse(textOf(successResponse("r", result))).result, null);
    }
  });

  it("escapes ids and results", () => {
    const id = '"\\\u2028\ud800\n';
    assert.deepEqual(JSON.parse(textOf(successResponse(id, { [id]: "</script>" }))), {
      ...successResponse(id, { [id]: "</script>" }),
    });
  });

  it("is a value outcome when JSON refuses the result", () => {
    const loop: { self?: unknown } = {};
    loop.self = loop;
    const hostile = {
      toJSON() {
        throw new Error("no");
      },
    };
    for (const result of [1n, loop, { a: [2n] }, hostile]) {
      const encoded = encodeResponse(successResponse("r", result));
      assert.equal(encoded.ok, false);
      assert.ok(!encoded.ok && encoded.reason.length > 0);
    }
  });
});

describe("a failure", () => {
  it("adds its code, and whether it can be retried", () => {
    assert.equal(
      textOf(failureResponse("r1", "internal", "Internal Server Error")),
      '{"error":"Internal Server Error","async":false,"success":false,"result":null,"request_id":"r1","can_retry":false,"has_more":false,"code":"internal"}',
    );
  });

  it("says when to come back, in whole ms", () => {
    assert.equal(
      textOf(failureResponse("r1", "rate_limited", "Retry", 58_999.2)),
      '{"error":"Retry","async":false,"success":false,"result":null,"request_id":"r1","can_retry":true,"has_more":false,"code":"rate_limited","retry_after_ms":59000}',
    );
    assert.equal(failureResponse("r", "circuit_open", "x", -1).retry_after_ms, 0);
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, undefined]) {
      assert.equal("retry_after_ms" in failureResponse("r", "circuit_open", "x", odd), false);
    }
  });

  it("can be retried for four codes alone", () => {
    const retryable = Object.keys(ERROR_CODES).filter(
      (code) => failureResponse("r", code, "x").can_retry,
    );
    assert.deepEqual(retryable, ["rate_limited", "unavailable", "circuit_open", "queue_full"]);
    for (const code of ["not_found", "toString", "__proto__", ""]) {
      assert.equal(failureResponse("r", code, "x").can_retry, false);
    }
  });
});

it("encodes any Response as JSON.stringify does", () => {
  const anyResponse: fc.Arbitrary<Response> = fc.record(
    {
      error: fc.option(fc.string({ unit: "binary" })),
      async: fc.boolean(),
      success: fc.constant(false),
      result: fc.jsonValue(),
      request_id: fc.string({ unit: "binary" }),
      can_retry: fc.boolean(),
      has_more: fc.boolean(),
      code: fc.string(),
      retry_after_ms: fc.nat(),
    },
    {
      requiredKeys: ["error", "async", "success", "result", "request_id", "can_retry", "has_more"],
    },
  );
  const success = fc.tuple(fc.string(), fc.jsonValue(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(
      fc.oneof(
        anyResponse,
        success.map(([id, result, async, has_more]) => ({
          ...successResponse(id, result),
          async,
          has_more,
        })),
      ),
      (response) => assert.equal(textOf(response), JSON.stringify(response)),
    ),
  );
});

it("knows every code of the contract", () => {
  assert.deepEqual(Object.keys(ERROR_CODES), [
    "invalid_request",
    "authentication_required",
    "unsupported_function",
    "disabled_function",
    "hook_rejected",
    "rate_limited",
    "permission_denied",
    "invalid_arguments",
    "unavailable",
    "circuit_open",
    "queue_full",
    "timeout",
    "cancelled",
    "outcome_unknown",
    "internal",
  ]);
});
