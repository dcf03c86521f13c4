import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  encodeBinaryPushV1,
  encodeBinaryReplyV1,
  encodeMessageV1,
  encodePushV1,
  encodeReplyV1,
  parseBinaryV1,
  parseTextV1,
} from "../../../actors/channel/codec-v1.ts";

const field = fc.string({ unit: "binary", minLength: 1, maxLength: 60 });
const ref = fc.option(field, { nil: null });

describe("parseTextV1", () => {
  test("reads a frame with and without join_ref", () => {
    assert.deepEqual(
      parseTextV1(
        '{"topic":"api:lobby","event":"phx_join","payload":{"a":1},"ref":"1","join_ref":"1"}',
      ),
      {
        ok: true,
        frame: { joinRef: "1", ref: "1", topic: "api:lobby", event: "phx_join", payload: { a: 1 } },
      },
    );
    assert.deepEqual(
      parseTextV1('{"topic":"phoenix","event":"heartbeat","payload":{},"ref":"2"}'),
      {
        ok: true,
        frame: { joinRef: null, ref: "2", topic: "phoenix", event: "heartbeat", payload: {} },
      },
    );
    assert.deepEqual(parseTextV1('{"topic":"t","event":"e","payload":null,"more":1}'), {
      ok: true,
      frame: { joinRef: null, ref: null, topic: "t", event: "e", payload: null },
    });
  });

  const refused: [string, string, string | null, string][] = [
    ["not json", "not JSON", null, "phoenix"],
    ["null", "expected {topic, event, payload, ref}", null, "phoenix"],
    ["7", "expected {topic, event, payload, ref}", null, "phoenix"],
    ['["1","1","t","e",{}]', "expected {topic, event, payload, ref}", null, "phoenix"],
    ['{"topic":"t","event":"e","ref":"1"}', "payload is missing", "1", "t"],
    ['{"event":"e","payload":{},"ref":"1"}', "topic must be a non-empty string", "1", "phoenix"],
    ['{"topic":"t","payload":{},"ref":"1"}', "event must be a non-empty string", "1", "t"],
    ['{"topic":"t","event":"e","payload":{},"ref":1}', "ref must be a string or null", null, "t"],
    [
      '{"topic":"t","event":"e","payload":{},"ref":"1","join_ref":{}}',
      "join_ref must be a string or null",
      "1",
      "t",
    ],
    [
      '{"__proto__":{"topic":"t","event":"e"},"payload":{},"ref":"1"}',
      "topic must be a non-empty string",
      "1",
      "phoenix",
    ],
  ];
  for (const [text, reason, faultRef, topic] of refused) {
    test(`refuses ${text}`, () => {
      assert.deepEqual(parseTextV1(text), { ok: false, reason, ref: faultRef, topic });
    });
  }

  test("never throws, whatever comes", () => {
    const frame = fc
      .record(
        {
          topic: fc.jsonValue(),
          event: fc.jsonValue(),
          payload: fc.jsonValue(),
          ref: fc.jsonValue(),
          join_ref: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((record) => JSON.stringify(record));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), frame), (text) => {
        assert.equal(typeof parseTextV1(text).ok, "boolean");
      }),
    );
  });
});

test("a binary frame is refused", () => {
  assert.deepEqual(parseBinaryV1(Buffer.from("00000001017465", "hex")), {
    ok: false,
    reason: "binary frames need vsn 2.0.0",
    ref: null,
    topic: "phoenix",
  });
});

describe("encoders", () => {
  test("write the four keys of Phoenix's V1 serializer", () => {
    assert.equal(
      encodeReplyV1("3", "4", "api:lobby", "ok", '"echo_local"'),
      '{"topic":"api:lobby","event":"phx_reply","payload":{"status":"ok","response":"echo_local"},"ref":"4"}',
    );
    assert.equal(
      encodePushV1("3", "api:lobby", "api", '{"result":"hello"}'),
      '{"topic":"api:lobby","event":"api","payload":{"result":"hello"},"ref":null}',
    );
    assert.equal(
      encodeMessageV1("3", "3", "api:lobby", "phx_close", "{}"),
      '{"topic":"api:lobby","event":"phx_close","payload":{},"ref":"3"}',
    );
  });

  test("write bytes as base64", () => {
    const bytes = Buffer.from("xff\u00ff", "latin1").subarray(1);
    assert.equal(
      encodeBinaryReplyV1("3", "4", "t", "ok", bytes),
      '{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":"Zmb/"},"ref":"4"}',
    );
    assert.equal(
      encodeBinaryPushV1("3", "t", "e", new Uint8Array([1, 2])),
      '{"topic":"t","event":"e","payload":"AQI=","ref":null}',
    );
  });

  test("round trip: what is encoded is read back", () => {
    fc.assert(
      fc.property(ref, field, field, fc.jsonValue(), (r, topic, event, payload) => {
        const json = JSON.stringify(payload);
        const expected = JSON.parse(json);
        assert.deepEqual(parseTextV1(encodeMessageV1("9", r, topic, event, json)), {
          ok: true,
          frame: { joinRef: null, ref: r, topic, event, payload: expected },
        });
        assert.equal(
          encodePushV1("9", topic, event, json),
          encodeMessageV1("9", null, topic, event, json),
        );
        assert.deepEqual(JSON.parse(encodeReplyV1("9", r, topic, "error", json)), {
          topic,
          event: "phx_reply",
          payload: { status: "error", response: expected },
          ref: r,
        });
      }),
    );
  });
});
