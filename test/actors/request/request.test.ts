import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseRequest } from "../../../actors/request/request.ts";

const PAYLOAD = { request_type: "get_user", request_id: "r1", service: "user_service" };
const BYTES = "Invalid fields, expected non-empty strings of at most 256 bytes: ";

describe("an accepted payload", () => {
  it("has its defaults", () => {
    assert.deepEqual(parseRequest(PAYLOAD), {
      ok: true,
      request: {
        requestId: "r1",
        requestType: "get_user",
        service: "user_service",
        args: {},
        version: null,
        deviceId: null,
      },
    });
  });

  it("keeps arguments, version and device", () => {
    const args = { user_id: "1" };
    const outcome = parseRequest({ ...PAYLOAD, args, version: "1.0.0", device_id: "dev-a" });
    assert.ok(outcome.ok);
    assert.equal(outcome.request.args, args);
    assert.equal(outcome.request.version, "1.0.0");
    assert.equal(outcome.request.deviceId, "dev-a");
  });

  it("takes null for what is optional and ignores what it does not know", () => {
    const more = { args: null, version: null, device_id: null, user_id: "mallory", x: [] };
    assert.deepEqual(parseRequest({ ...PAYLOAD, ...more }), parseRequest(PAYLOAD));
  });

  it("gives every request arguments of its own", () => {
    const [one, two] = [parseRequest(PAYLOAD), parseRequest(PAYLOAD)];
    assert.ok(one.ok && two.ok);
    assert.notEqual(one.request.args, two.request.args);
  });

  it("may have names of 256 bytes", () => {
    assert.ok(parseRequest({ ...PAYLOAD, request_id: "é".repeat(128) }).ok);
    assert.equal(parseRequest({ ...PAYLOAD, request_id: "é".repeat(129) }).ok, false);
  });
});

describe("a refused payload", () => {
  const rows: readonly (readonly [payload: unknown, requestId: string, message: string])[] = [
    [{ foo: 1 }, "unknown", "Missing required fields: request_type, request_id, service"],
    [{ request_id: "x" }, "x", "Missing required fields: request_type, service"],
    [{ ...PAYLOAD, request_id: "" }, "unknown", "Missing required fields: request_id"],
    [{ ...PAYLOAD, service: null }, "r1", "Missing required fields: service"],
    [{ request_id: 7 }, "unknown", "Missing required fields: request_type, service"],
    [{ ...PAYLOAD, request_id: 7 }, "unknown", `${BYTES}request_id (got 7)`],
    [
      { ...PAYLOAD, service: {}, request_type: [1], version: 2 },
      "r1",
      `${BYTES}request_type (got [1]), service (got {}), version (got 2)`,
    ],
    [{ ...PAYLOAD, device_id: "" }, "r1", `${BYTES}device_id (got "")`],
    [{ ...PAYLOAD, args: [1] }, "r1", "expected a map, got: [1]"],
    [{ ...PAYLOAD, args: "a" }, "r1", 'expected a map, got: "a"'],
    [{ ...PAYLOAD, args: 0 }, "r1", "expected a map, got: 0"],
    [{ ...PAYLOAD, args: false }, "r1", "expected a map, got: false"],
    [[1], "unknown", "expected a map, got: [1]"],
    [null, "unknown", "expected a map, got: null"],
    ["x", "unknown", 'expected a map, got: "x"'],
    [undefined, "unknown", "expected a map, got: undefined"],
    [
      JSON.parse('{"__proto__":{"request_type":"a","request_id":"b","service":"c"}}'),
      "unknown",
      "Missing required fields: request_type, request_id, service",
    ],
  ];
  for (const [payload, requestId, message] of rows) {
    it(message, () => {
      assert.deepEqual(parseRequest(payload), { ok: false, requestId, message });
    });
  }

  it("never gets an endless message or id", () => {
    const huge = "x".repeat(1_000_000);
    const outcome = parseRequest({ request_type: huge, request_id: huge, service: huge });
    assert.ok(!outcome.ok);
    assert.equal(outcome.requestId, "unknown");
    assert.ok(outcome.message.length < 500);
  });
});

it("decides about any JSON without throwing", () => {
  const field = fc.oneof(fc.jsonValue(), fc.string());
  const payload = fc.record(
    { request_type: field, request_id: field, service: field, args: field, version: field },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(payload, fc.jsonValue()), (value) => {
      const outcome = parseRequest(value);
      const id = outcome.ok ? outcome.request.requestId : outcome.requestId;
      assert.ok(typeof id === "string" && id !== "");
    }),
  );
});
