import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parseBearerToken, selectSubprotocol } from "../../../actors/channel/token.ts";

describe("parseBearerToken", () => {
  test("reads the header of phoenix.js", () => {
    assert.equal(parseBearerToken("phoenix, base64url.bearer.phx.c2VjcmV0"), "secret");
    assert.equal(parseBearerToken("phoenix,base64url.bearer.phx.c2VjcmV0"), "secret");
    assert.equal(parseBearerToken("base64url.bearer.phx.c2VjcmV0"), "secret");
  });

  test("takes both alphabets, padded or not", () => {
    assert.equal(parseBearerToken("phoenix, base64url.bearer.phx.Pz8_Pj4-"), "???>>>");
    assert.equal(parseBearerToken("phoenix, base64url.bearer.phx.Pz8/Pj4+"), "???>>>");
    assert.equal(parseBearerToken("phoenix, base64url.bearer.phx.YQ=="), "a");
    assert.equal(parseBearerToken("phoenix, base64url.bearer.phx.YQ"), "a");
  });

  test("finds no token where there is none, or none that can be read", () => {
    for (const header of [
      undefined,
      "",
      "phoenix",
      "phoenix, Base64url.bearer.phx.YQ",
      "phoenix, base64url.bearer.phx.",
      "phoenix, base64url.bearer.phx.====",
      "phoenix, base64url.bearer.phx.YWFhY",
      "phoenix, base64url.bearer.phx.Y Q",
      "phoenix, base64url.bearer.phx.Y.Q",
      "phoenix, base64url.bearer.phx.YQ===",
      "base64url.bearer.phx.YQ, base64url.bearer.phx.Yg",
    ]) {
      assert.equal(parseBearerToken(header), undefined, String(header));
    }
  });

  test("round trip of what btoa encodes, and of UTF-8", () => {
    const visible = fc.string({ unit: "binary-ascii", minLength: 1 });
    fc.assert(
      fc.property(visible, (token) => {
        const encoded = btoa(token).replaceAll("=", "");
        assert.equal(parseBearerToken(`phoenix, base64url.bearer.phx.${encoded}`), token);
      }),
    );
    assert.equal(parseBearerToken(`base64url.bearer.phx.${btoa("caf\u00e9")}`), "caf\u00e9");
    const utf8 = Buffer.from("ключ").toString("base64url");
    assert.equal(parseBearerToken(`base64url.bearer.phx.${utf8}`), "ключ");
  });

  test("never throws, whatever comes", () => {
    const close = fc.string().map((text) => `phoenix, base64url.bearer.phx.${text}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), close), (header) => {
        const token = parseBearerToken(header);
        assert.ok(token === undefined || token.length > 0);
      }),
    );
  });
});

test("selectSubprotocol answers phoenix when offered and repeats nothing else", () => {
  assert.equal(selectSubprotocol(["phoenix", "base64url.bearer.phx.YQ"]), "phoenix");
  assert.equal(selectSubprotocol(new Set(["base64url.bearer.phx.YQ", "phoenix"])), "phoenix");
  assert.equal(selectSubprotocol(["base64url.bearer.phx.YQ"]), undefined);
  assert.equal(selectSubprotocol([]), undefined);
});
