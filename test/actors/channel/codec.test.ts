import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Codec, codecFor } from "../../../actors/channel/codec.ts";

describe("codecFor", () => {
  test("takes patch versions of 1.0 and 2.0, and 1.0.0 where none is named", () => {
    for (const vsn of [undefined, "1.0.0", "1.0.7"]) assert.equal(codecFor(vsn)?.vsn, "1.0.0");
    for (const vsn of ["2.0.0", "2.0.1"]) assert.equal(codecFor(vsn)?.vsn, "2.0.0");
  });

  test("has nothing for other versions", () => {
    for (const vsn of [
      "",
      "2",
      "2.0",
      "2.1.0",
      "3.0.0",
      "0.9.0",
      "2.0.0 ",
      "2.0.0-rc.1",
      "12.0.0",
      "x",
    ]) {
      assert.equal(codecFor(vsn), undefined, vsn);
    }
  });
});

const samples: Record<string, { join: string; reply: string; push: string; close: string }> = {
  "1.0.0": {
    join: '{"topic":"t","event":"phx_join","payload":{},"ref":"1","join_ref":"1"}',
    reply: '{"topic":"t","event":"phx_reply","payload":{"status":"ok","response":{}},"ref":"1"}',
    push: '{"topic":"t","event":"e","payload":[1],"ref":null}',
    close: '{"topic":"t","event":"phx_close","payload":{},"ref":"1"}',
  },
  "2.0.0": {
    join: '["1","1","t","phx_join",{}]',
    reply: '["1","1","t","phx_reply",{"status":"ok","response":{}}]',
    push: '["1",null,"t","e",[1]]',
    close: '["1","1","t","phx_close",{}]',
  },
};

for (const [vsn, sample] of Object.entries(samples)) {
  describe(`codec ${vsn}`, () => {
    const codec = codecFor(vsn) as Codec;

    test("one dialogue, no branch on the version", () => {
      const { parseText, encodeReply, encodePush, encodeMessage } = codec;
      assert.deepEqual(parseText(sample.join), {
        ok: true,
        frame: { joinRef: "1", ref: "1", topic: "t", event: "phx_join", payload: {} },
      });
      assert.equal(encodeReply("1", "1", "t", "ok", "{}"), sample.reply);
      assert.equal(encodePush("1", "t", "e", "[1]"), sample.push);
      assert.equal(codec.encodeReplies("1", "t")("1", "ok", "{}"), sample.reply);
      assert.equal(codec.encodePushes("1", "t", "e")("[1]"), sample.push);
      assert.equal(encodeMessage("1", "1", "t", "phx_close", "{}"), sample.close);
    });

    test("bytes go out in some form", () => {
      const data = Buffer.of(1, 2);
      assert.ok(codec.encodeBinaryReply("1", "2", "t", "ok", data).length > 0);
      assert.ok(codec.encodeBinaryPush(null, "t", "e", data).length > 0);
      assert.equal(codec.parseBinary(Buffer.from("00000001017465", "hex")).ok, vsn === "2.0.0");
    });
  });
}
