import assert from "node:assert/strict";
import { test } from "node:test";
import type { HomePage } from "../../../actors/gateway/home-page.ts";
import { decidePage, type HttpFacts } from "../../../actors/gateway/http.ts";

const home: HomePage = {
  demo: true,
  name: "<b>node</b>",
  version: "0.1.0",
  channels: [{ topic: "api:*", event: "api" }],
  functions: [
    {
      service: "user_service",
      requestType: "get_user",
      version: "2.0.0",
      args: ["user_id", "fields"],
      disabled: false,
    },
    { service: "<i>", requestType: "old", version: null, args: [], disabled: true },
  ],
};

const facts: HttpFacts = { ready: true, home: () => home };

test("/health is 200 as long as the thread answers", () => {
  const { status, body, headers } = decidePage("GET", "/health", { ...facts, ready: false });
  assert.equal(status, 200);
  assert.equal(headers["Content-Type"], "application/json");
  assert.deepEqual(JSON.parse(body), { status: "ok" });
});

test("/ready tells whether requests are served", () => {
  assert.equal(decidePage("GET", "/ready", facts).status, 200);
  assert.equal(decidePage("GET", "/ready", { ...facts, ready: false }).status, 503);
});

test("/ names the functions, and escapes every name", () => {
  const { status, body, headers } = decidePage("GET", "/", facts);
  assert.equal(status, 200);
  assert.match(headers["Content-Type"] ?? "", /^text\/html/);
  assert.ok(body.includes("get_user(user_id, fields)"));
  assert.ok(body.includes("user_service"));
  assert.ok(body.includes("&lt;b&gt;node&lt;/b&gt;"));
  assert.ok(!body.includes("<b>node") && !body.includes("<i>"));
});

test("/ says so when nothing is loaded", () => {
  const empty = { ...facts, home: () => ({ ...home, functions: [], channels: [] }) };
  assert.match(decidePage("HEAD", "/", empty).body, /No service is loaded/);
});

test("other paths are 404, other methods 405, the socket's path wants an upgrade", () => {
  assert.equal(decidePage("GET", "/favicon.ico", facts).status, 404);
  assert.equal(decidePage("POST", "/nowhere", facts).status, 404);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const { status, headers } = decidePage(method, "/health", facts);
    assert.equal(status, 405);
    assert.equal(headers["Allow"], "GET, HEAD");
  }
  const { status, headers } = decidePage("GET", "/socket/websocket", facts);
  assert.equal(status, 426);
  assert.equal(headers["Upgrade"], "websocket");
});

test("every page has the plain security headers", () => {
  for (const path of ["/", "/health", "/ready", "/nowhere"]) {
    const { headers } = decidePage("GET", path, facts);
    assert.equal(headers["X-Content-Type-Options"], "nosniff");
    assert.match(headers["Content-Security-Policy"] ?? "", /default-src 'none'/);
  }
});
