import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileOrigins, isOriginPattern } from "../../../actors/channel/origin.ts";

describe("origins where none are configured", () => {
  const check = compileOrigins(null, "0.0.0.0");
  for (const [origin, host, passes] of [
    [undefined, "api.example.com", true],
    [undefined, undefined, true],
    ["https://api.example.com", "api.example.com", true],
    ["https://api.example.com", "API.EXAMPLE.COM:4000", true],
    ["http://api.example.com:3000", "api.example.com:4000", true],
    ["https://evil.example", "api.example.com", false],
    ["https://api.example.com.evil.example", "api.example.com", false],
    ["https://evil-api.example.com", "api.example.com", false],
    ["https://example.com", "api.example.com", false],
    ["https://api.example.com", undefined, false],
    ["http://localhost:3000", "127.0.0.1:4000", true],
    ["http://127.0.0.1", "localhost:4000", true],
    ["http://[::1]:8080", "localhost", true],
    ["http://app.localhost", "[::1]:4000", true],
    ["http://127.8.8.8", "127.0.0.1", true],
    ["http://localhost", "api.example.com", false],
    ["https://api.example.com", "localhost", false],
    ["http://127.0.0.1.evil.example", "127.0.0.1", false],
    ["http://localhost.evil.example", "localhost", false],
    ["null", "api.example.com", false],
    ["file://", "api.example.com", false],
    ["", "api.example.com", false],
    ["nonsense", "nonsense", false],
    ["https://a@b", "a", false],
  ] as const) {
    it(`${passes ? "let" : "do not let"} ${origin} connect to ${host}`, () => {
      assert.equal(check(origin, host), passes);
    });
  }
});

describe("a loopback address", () => {
  for (const [boundTo, origin, host, passes] of [
    ["127.0.0.1", "http://evil.example", "evil.example", false],
    ["127.0.0.1", "http://evil.example:4000", "evil.example:4000", false],
    ["127.1.2.3", "http://evil.example", "evil.example", false],
    ["::1", "http://evil.example", "evil.example", false],
    ["localhost", "http://evil.example", "evil.example", false],
    ["127.0.0.1", "http://127.0.0.1.evil.example", "127.0.0.1.evil.example", false],
    ["127.0.0.1", "http://localhost.evil.example", "localhost.evil.example", false],
    ["127.0.0.1", "http://localhost:3000", "localhost:4000", true],
    ["127.0.0.1", "http://app.localhost", "127.0.0.1:4000", true],
    ["::1", "http://[::1]:4000", "[::1]:4000", true],
    ["127.0.0.1", "http://192.0.2.7", "192.0.2.7:4000", true],
    ["127.0.0.1", "http://[2001:db8::7]", "[2001:db8::7]:4000", true],
    ["127.0.0.1", undefined, "evil.example", true],
    ["192.0.2.7", "http://app.example.com", "app.example.com", true],
    ["::", "http://app.example.com", "app.example.com", true],
  ] as const) {
    it(`${boundTo} ${passes ? "lets" : "does not let"} ${origin} connect to ${host}`, () => {
      assert.equal(compileOrigins(null, boundTo)(origin, host), passes);
    });
  }
});

describe("a list of origins", () => {
  for (const [pattern, origin, passes] of [
    ["https://app.example.com", "https://app.example.com", true],
    ["https://app.example.com", "https://APP.example.com:443", true],
    ["https://app.example.com", "http://app.example.com", false],
    ["https://app.example.com", "https://app.example.com:8443", false],
    ["https://app.example.com:8443", "https://app.example.com:8443", true],
    ["https://app.example.com:8443", "https://app.example.com", false],
    ["https://app.example.com:*", "https://app.example.com:9", true],
    ["https://*.example.com", "https://a.example.com", true],
    ["https://*.example.com", "https://a.b.example.com", true],
    ["https://*.example.com", "https://example.com", false],
    ["https://*.example.com", "https://evilexample.com", false],
    ["https://*.example.com", "https://a.example.com.evil.example", false],
    ["https://*.example.com", "https://a.example.com:444", false],
    ["http://[::1]:3000", "http://[::1]:3000", true],
    ["capacitor://localhost", "capacitor://localhost", true],
    ["null", "null", true],
    ["https://app.example.com", "null", false],
    ["https://app.example.com", "", false],
    ["https://app.example.com", "https://app.example.com.", false],
  ] as const) {
    it(`of ${pattern} ${passes ? "holds" : "does not hold"} ${JSON.stringify(origin)}`, () => {
      assert.equal(compileOrigins([pattern], "127.0.0.1")(origin, "app.example.com"), passes);
    });
  }

  it("lets programs in, and replaces the rule of the same host", () => {
    const check = compileOrigins(["https://app.example.com"], "127.0.0.1");
    assert.equal(check(undefined, "api.example.com"), true);
    assert.equal(check("https://api.example.com", "api.example.com"), false);
  });

  it("is not there with *", () => {
    assert.equal(compileOrigins("*", "127.0.0.1")("https://evil.example", "api.example.com"), true);
  });

  for (const text of ["", "*", "example.com", "https://", "https://*", "https://*.*.com"]) {
    it(`cannot hold ${JSON.stringify(text)}`, () => {
      assert.equal(isOriginPattern(text), false);
      assert.throws(() => compileOrigins([text], "127.0.0.1"), TypeError);
    });
  }

  for (const text of [
    "https://a.b/",
    "https://a.b/c",
    "https://a b",
    "https://a:99999",
    "a://b@c",
  ]) {
    it(`cannot hold ${JSON.stringify(text)}`, () => assert.equal(isOriginPattern(text), false));
  }
});
