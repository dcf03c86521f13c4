import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  encodeBinaryPushV2,
  encodeBinaryReplyV2,
  encodeMessageV2,
  encodePushV2,
  encodeReplyV2,
  parseBinaryV2,
  parseTextV2,
} from "../../../actors/channel/codec-v2.ts";
import { maxFieldBytes } from "../../../actors/channel/frame.ts";

interface PhoenixMessage {
  join_ref: string | null;
  ref: string | null;
  topic: string;
  event: string;
  payload: unknown;
}

/** What the official client does with a frame, in both directions. */
const client = createRequire(import.meta.url)("phoenix").Serializer as {
  encode(message: PhoenixMessage, done: (raw: string | ArrayBuffer) => void): void;
  decode(raw: string | ArrayBuffer, done: (message: PhoenixMessage) => void): void;
};

function clientEncode(message: PhoenixMessage): string | ArrayBuffer {
  let encoded: string | ArrayBuffer | undefined;
  client.encode(message, (raw) => {
    encoded = raw;
  });
  assert.ok(encoded !== undefined);
  return encoded;
}

function clientDecode(raw: string | Buffer): PhoenixMessage {
  let decoded: PhoenixMessage | undefined;
  const input = typeof raw === "string" ? raw : (new Uint8Array(raw).buffer as ArrayBuffer);
  client.decode(input, (message) => {
    decoded = message;
  });
  assert.ok(decoded);
  return decoded;
}

const field = fc
  .string({ unit: "binary", minLength: 1, maxLength: 60 })
  .filter((text) => Buffer.byteLength(text) <= maxFieldBytes && !text.startsWith("\ufeff"));
const ref = fc.option(field, { nil: null });
const bytes = fc.uint8Array({ maxLength: 64 }).map((data) => Buffer.from(data));

describe("parseTextV2", () => {
  test("reads the frames of the reference client", () => {
    assert.deepEqual(parseTextV2('["3","3","api:lobby","phx_join",{"user_id":"alice"}]'), {
      ok: true,
      frame: {
        joinRef: "3",
        ref: "3",
        topic: "api:lobby",
        event: "phx_join",
        payload: { user_id: "alice" },
      },
    });
    assert.deepEqual(parseTextV2('[null,"1","phoenix","heartbeat",{}]'), {
      ok: true,
      frame: { joinRef: null, ref: "1", topic: "phoenix", event: "heartbeat", payload: {} },
    });
    assert.deepEqual(
      parseTextV2(
        '["3",null,"api:lobby","api",{"request_id":"noref","request_type":"echo_local","service":"bench_service","args":{"message":"x"}}]',
      ),
      {
        ok: true,
        frame: {
          joinRef: "3",
          ref: null,
          topic: "api:lobby",
          event: "api",
          payload: {
            request_id: "noref",
            request_type: "echo_local",
            service: "bench_service",
            args: { message: "x" },
          },
        },
      },
    );
  });

  const arity = "expected [join_ref, ref, topic, event, payload]";
  const refused: [string, string, string | null, string][] = [
    ["not json", "not JSON", null, "phoenix"],
    ["", "not JSON", null, "phoenix"],
    ["{}", arity, null, "phoenix"],
    ["null", arity, null, "phoenix"],
    ['"abcde"', arity, null, "phoenix"],
    ["[]", arity, null, "phoenix"],
    ['["3","4","api:lobby","api"]', arity, "4", "api:lobby"],
    ['["3","4","api:lobby","api",{},{}]', arity, "4", "api:lobby"],
    ['["3","4",["api:lobby"],"api",{}]', "topic must be a non-empty string", "4", "phoenix"],
    ['["3","4","","api",{}]', "topic must be a non-empty string", "4", "phoenix"],
    ['["3","4","api:lobby",7,{}]', "event must be a non-empty string", "4", "api:lobby"],
    ['["3",4,"api:lobby","api",{}]', "ref must be a string or null", null, "api:lobby"],
    ['[3,"4","api:lobby","api",{}]', "join_ref must be a string or null", "4", "api:lobby"],
    ['["3","4","\\ud800","api",{}]', "topic is not valid Unicode", "4", "phoenix"],
  ];
  for (const [text, reason, faultRef, topic] of refused) {
    test(`refuses ${text || "the empty text"}`, () => {
      assert.deepEqual(parseTextV2(text), { ok: false, reason, ref: faultRef, topic });
    });
  }

  test("refuses 100,000 brackets as a value", () => {
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    assert.deepEqual(parseTextV2(`["3","4","api:lobby","api",${deep}]`), {
      ok: false,
      reason: "nested deeper than 512 levels",
      ref: null,
      topic: "phoenix",
    });
  });

  test("keeps what JSON says of duplicate keys and lone surrogates in the payload", () => {
    const parsed = parseTextV2('["1","2","t","e",{"a":1,"a":2,"b":"\\ud800"}]');
    assert.ok(parsed.ok);
    assert.deepEqual(parsed.frame.payload, { a: 2, b: "\ud800" });
  });

  test("a __proto__ key in the payload is data and pollutes nothing", () => {
    const parsed = parseTextV2(
      '["1","2","t","e",{"__proto__":{"admin":true},"args":{"__proto__":1}}]',
    );
    assert.ok(parsed.ok);
    const payload = parsed.frame.payload as Record<string, unknown>;
    assert.equal(Object.getPrototypeOf(payload), Object.prototype);
    assert.equal(payload["admin"], undefined);
    assert.equal(({} as Record<string, unknown>)["admin"], undefined);
    assert.deepEqual(Object.keys(payload), ["__proto__", "args"]);
  });

  test("never throws, whatever comes", () => {
    const value = fc.array(fc.jsonValue(), { maxLength: 7 }).map((items) => JSON.stringify(items));
    const cut = fc.tuple(value, fc.nat(200)).map(([text, length]) => text.slice(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), value, cut), (text) => {
        const parsed = parseTextV2(text);
        assert.equal(typeof parsed.ok, "boolean");
        if (!parsed.ok) assert.ok(parsed.reason.length > 0 && parsed.topic.length > 0);
      }),
    );
  });
});

describe("text encoders", () => {
  test("write the frames of the reference server", () => {
    assert.equal(
      encodeReplyV2("3", "3", "api:lobby", "ok", "{}"),
      '["3","3","api:lobby","phx_reply",{"status":"ok","response":{}}]',
    );
    assert.equal(
      encodeReplyV2(null, "12", "nothing:here", "error", '{"reason":"unmatched topic"}'),
      '[null,"12","nothing:here","phx_reply",{"status":"error","response":{"reason":"unmatched topic"}}]',
    );
    assert.equal(
      encodeReplyV2("3", null, "api:lobby", "ok", '"echo_local"'),
      '["3",null,"api:lobby","phx_reply",{"status":"ok","response":"echo_local"}]',
    );
    assert.equal(
      encodePushV2(
        "3",
        "api:lobby",
        "api",
        '{"error":null,"async":false,"success":true,"result":"hello","request_id":"r1","can_retry":false,"has_more":false}',
      ),
      '["3",null,"api:lobby","api",{"error":null,"async":false,"success":true,"result":"hello","request_id":"r1","can_retry":false,"has_more":false}]',
    );
    assert.equal(
      encodeMessageV2("3", "3", "api:lobby", "phx_close", "{}"),
      '["3","3","api:lobby","phx_close",{}]',
    );
    assert.equal(
      encodeMessageV2(null, null, "phoenix", "phx_error", '{"reason":"not JSON"}'),
      '[null,null,"phoenix","phx_error",{"reason":"not JSON"}]',
    );
  });

  test("escape what stands in the address", () => {
    assert.equal(
      encodeReplyV2('"', "\\", 'a"],"\n', "ok", "1"),
      '["\\"","\\\\","a\\"],\\"\\n","phx_reply",{"status":"ok","response":1}]',
    );
    assert.equal(encodePushV2(null, 't"', "e\u0000", "1"), '[null,null,"t\\"","e\\u0000",1]');
  });

  test("round trip: what is encoded is read back, by us and by the official client", () => {
    fc.assert(
      fc.property(ref, ref, field, field, fc.jsonValue(), (joinRef, r, topic, event, payload) => {
        const json = JSON.stringify(payload);
        const expected = JSON.parse(json);
        const text = encodeMessageV2(joinRef, r, topic, event, json);
        assert.deepEqual(parseTextV2(text), {
          ok: true,
          frame: { joinRef, ref: r, topic, event, payload: expected },
        });
        assert.deepEqual(clientDecode(text), {
          join_ref: joinRef,
          ref: r,
          topic,
          event,
          payload: expected,
        });
        assert.equal(
          encodePushV2(joinRef, topic, event, json),
          encodeMessageV2(joinRef, null, topic, event, json),
        );
        assert.deepEqual(clientDecode(encodeReplyV2(joinRef, r, topic, "error", json)), {
          join_ref: joinRef,
          ref: r,
          topic,
          event: "phx_reply",
          payload: { status: "error", response: expected },
        });
      }),
    );
  });
});

describe("parseBinaryV2", () => {
  //                   kind lengths     "1""2""t:1"  "up"  data
  const literal = "00 01 01 03 02 31 32 74 3a 31 75 70 ff 00 01";

  test("reads a push given in hex", () => {
    assert.deepEqual(parseBinaryV2(hex(literal)), {
      ok: true,
      frame: { joinRef: "1", ref: "2", topic: "t:1", event: "up", payload: hex("ff 00 01") },
    });
  });

  test("lengths of zero are absent refs, and no data is empty data", () => {
    assert.deepEqual(parseBinaryV2(hex("00 00 00 01 01 74 65")), {
      ok: true,
      frame: { joinRef: null, ref: null, topic: "t", event: "e", payload: Buffer.alloc(0) },
    });
  });

  test("the payload is a view, not a copy", () => {
    const data = hex(literal);
    const parsed = parseBinaryV2(data);
    assert.ok(parsed.ok);
    assert.equal((parsed.frame.payload as Buffer).buffer, data.buffer);
  });

  const refused: [string, string, string, string | null, string][] = [
    ["no bytes", "", "binary frame is truncated", null, "phoenix"],
    ["a cut header", "00 00 00 01", "binary frame is truncated", null, "phoenix"],
    [
      "a cut field",
      "00 01 01 03 02 31 32 74 3a 31 75",
      "binary frame is truncated",
      null,
      "phoenix",
    ],
    ["a reply", "01 00 00 01 01 74 65", "binary frame is not a push", null, "phoenix"],
    ["a broadcast", "02 01 01 74 65 00", "binary frame is not a push", null, "phoenix"],
    ["an unknown kind", "ff 00 00 01 01 74 65", "binary frame is not a push", null, "phoenix"],
    ["no topic", "00 00 01 00 01 32 65", "topic must be a non-empty string", "2", "phoenix"],
    ["no event", "00 00 01 01 00 32 74", "event must be a non-empty string", "2", "t"],
    [
      "a topic that is no UTF-8",
      "00 00 01 01 01 32 ff 65",
      "binary frame is not valid UTF-8",
      "2",
      "phoenix",
    ],
    [
      "a ref that is no UTF-8",
      "00 00 01 01 01 c0 74 65",
      "binary frame is not valid UTF-8",
      null,
      "t",
    ],
    [
      "a character over a field border",
      "00 00 00 01 01 c3 a9",
      "binary frame is not valid UTF-8",
      null,
      "phoenix",
    ],
  ];
  for (const [name, frame, reason, faultRef, topic] of refused) {
    test(`refuses ${name}`, () => {
      assert.deepEqual(parseBinaryV2(hex(frame)), { ok: false, reason, ref: faultRef, topic });
    });
  }

  test("takes the replacement character where it was sent as such", () => {
    const parsed = parseBinaryV2(hex("00 00 00 03 01 ef bf bd 65"));
    assert.ok(parsed.ok);
    assert.equal(parsed.frame.topic, "\ufffd");
  });

  test("round trip: reads what the official client encodes", () => {
    fc.assert(
      fc.property(field, field, field, field, bytes, (joinRef, r, topic, event, data) => {
        const payload = new Uint8Array(data).buffer as ArrayBuffer;
        const raw = clientEncode({ join_ref: joinRef, ref: r, topic, event, payload });
        assert.deepEqual(parseBinaryV2(Buffer.from(raw as ArrayBuffer)), {
          ok: true,
          frame: { joinRef, ref: r, topic, event, payload: data },
        });
      }),
    );
  });

  test("never throws, whatever comes", () => {
    const plausible = fc
      .tuple(
        fc.uint8Array({ minLength: 4, maxLength: 4, max: 6 }),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([lengths, rest]) => Buffer.concat([Buffer.of(0), lengths, rest]));
    fc.assert(
      fc.property(fc.oneof(bytes, plausible), (data) => {
        assert.equal(typeof parseBinaryV2(data).ok, "boolean");
      }),
    );
  });
});

describe("binary encoders", () => {
  test("write literal frames", () => {
    assert.equal(
      encodeBinaryReplyV2("1", "23", "t:1", "ok", hex("ff 00")).toString("hex"),
      "010102030231" + "3233" + "743a31" + "6f6b" + "ff00",
    );
    assert.equal(
      encodeBinaryReplyV2(null, null, "t", "error", hex("")).toString("hex"),
      "0100000105" + "74" + "6572726f72",
    );
    assert.equal(
      encodeBinaryPushV2("1", "t:1", "up", hex("ff 00")).toString("hex"),
      "00010302" + "31" + "743a31" + "7570" + "ff00",
    );
    assert.equal(
      encodeBinaryPushV2(null, "t:1", "up", hex("ff 00")).toString("hex"),
      "020302" + "743a31" + "7570" + "ff00",
    );
  });

  test("a field of 256 bytes is a RangeError that names it", () => {
    const data = Buffer.alloc(0);
    assert.doesNotThrow(() => encodeBinaryPushV2("1", "t".repeat(255), "e", data));
    assert.throws(() => encodeBinaryPushV2("1", "t".repeat(256), "e", data), {
      name: "RangeError",
      message: "topic of a binary frame must be at most 255 bytes, got 256",
    });
    assert.throws(
      () => encodeBinaryPushV2(null, "t", "é".repeat(128), data),
      /^RangeError: event /,
    );
    assert.throws(
      () => encodeBinaryReplyV2("1", "2".repeat(300), "t", "ok", data),
      /^RangeError: ref /,
    );
  });

  test("round trip: the official client reads what is encoded", () => {
    fc.assert(
      fc.property(ref, ref, field, field, bytes, (joinRef, r, topic, event, data) => {
        const reply = clientDecode(encodeBinaryReplyV2(joinRef, r, topic, "ok", data));
        const { status, response } = reply.payload as { status: string; response: ArrayBuffer };
        assert.deepEqual([reply.join_ref, reply.ref, reply.topic], [joinRef ?? "", r ?? "", topic]);
        assert.deepEqual([reply.event, status], ["phx_reply", "ok"]);
        assert.deepEqual(Buffer.from(response), data);

        const push = clientDecode(encodeBinaryPushV2(joinRef, topic, event, data));
        assert.deepEqual([push.join_ref, push.ref], [joinRef, null]);
        assert.deepEqual([push.topic, push.event], [topic, event]);
        assert.deepEqual(Buffer.from(push.payload as ArrayBuffer), data);
      }),
    );
  });
});

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(" ", ""), "hex");
}
