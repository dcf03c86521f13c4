import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { defaultClaimNames, type JwtConfig } from "../../../actors/channel/index.ts";
import { selectAssigns } from "../../../actors/channel/jwt.ts";
import { ManualClock } from "../../../runtime/testing/index.ts";
import { Client, request, type Stage, stage } from "./client.ts";
import { admission } from "./fixtures/connect.ts";
import { refusedUpgrade } from "./refused-upgrade.ts";

const secret = "0123456789abcdef0123456789abcdef";
const key = Buffer.from(secret);

const handler = {
  module: new URL("./fixtures/connect.ts", import.meta.url).href,
  function: "connect",
};

function jwt(changes: Partial<JwtConfig> = {}): { readonly jwt: JwtConfig } {
  return {
    jwt: {
      ...{ secret, jwksUrl: null, jwksFile: null, algorithms: ["HS256"] },
      ...{ issuer: null, audience: null, clockSkewSeconds: 5, claims: defaultClaimNames },
      ...changes,
    },
  };
}

function claims(clock: ManualClock, changes: Record<string, unknown> = {}): SignJWT {
  const exp = clock.wallTime() / 1_000 + 60;
  return new SignJWT({ sub: "ada", roles: ["admin"], device_id: "d1", exp, ...changes });
}

const sign = (clock: ManualClock, changes: Record<string, unknown> = {}): Promise<string> =>
  claims(clock, changes).setProtectedHeader({ alg: "HS256" }).sign(key);

const query = (token: string): string => `vsn=2.0.0&token=${token}`;

async function whoami(client: Client): Promise<Record<string, unknown>> {
  await client.join("strict:lobby", "1", { reply: "inline" });
  client.send(["1", "2", "strict:lobby", "api", request("whoami", "r1")]);
  const reply = (await client.next())[4] as { response: { result: Record<string, unknown> } };
  return reply.response.result;
}

/** Refused with 403, for that reason, which the log alone tells; the token stands nowhere. */
async function assertRefused(at: Stage, token: string, reason: RegExp): Promise<void> {
  const refusal = await refusedUpgrade(at.url(query(token)));
  assert.deepEqual(refusal, { status: 403, body: "refused" });
  const line = at.log.at(-1);
  assert.match(String(line?.fields?.["reason"]), reason);
  if (token !== "") assert.ok(!JSON.stringify(at.log).includes(token));
}

test("the claims of a token are the caller", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt() }, clock);
  const caller = await whoami(await at.connect(query(await sign(clock, { tenant: "t1" }))));
  assert.equal(caller["userId"], "ada");
  assert.deepEqual(caller["userRoles"], ["admin"]);
  assert.equal(caller["deviceId"], "d1");
  const assigns = caller["assigns"] as Record<string, unknown>;
  assert.deepEqual([assigns["user_id"], assigns["tenant"]], ["ada", "t1"]);
});

test("a token comes in the subprotocol header as well", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt() }, clock);
  const bearer = `base64url.bearer.phx.${Buffer.from(await sign(clock)).toString("base64url")}`;
  const client = await at.connect("vsn=2.0.0", ["phoenix", bearer]);
  assert.equal((await whoami(client))["userId"], "ada");
});

test("a token that is none, of another, or for another is refused", async (t) => {
  const clock = new ManualClock();
  const config = jwt({ issuer: "https://id.example", audience: ["gateway"] });
  const at = await stage(t, { auth: config, maxConnections: 100 }, clock);
  const now = clock.wallTime() / 1_000;
  const good = { iss: "https://id.example", aud: "gateway" };
  await whoami(await at.connect(query(await sign(clock, good))));
  assert.equal((await refusedUpgrade(at.url())).status, 403);
  assert.equal(at.log.at(-1)?.fields?.["reason"], "no token");
  await assertRefused(at, "", /^no token$/);
  await assertRefused(at, "not.a.token", /^token: /);
  await assertRefused(at, "x".repeat(5_000), /^token: /);
  await assertRefused(at, await sign(clock, { ...good, aud: "other" }), /"aud"/);
  await assertRefused(at, await sign(clock, { ...good, iss: "https://evil" }), /"iss"/);
  await assertRefused(at, await sign(clock, { aud: "gateway" }), /"iss"/);
  await assertRefused(at, await sign(clock, { ...good, exp: now - 6 }), /"exp"/);
  await assertRefused(at, await sign(clock, { ...good, nbf: now + 6 }), /"nbf"/);
  await assertRefused(at, await sign(clock, { ...good, exp: "soon" }), /"exp"/);
  await whoami(await at.connect(query(await sign(clock, { ...good, exp: now - 4 }))));
});

test("a token that somebody else signed, or changed, is refused", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt() }, clock);
  const forged = await claims(clock)
    .setProtectedHeader({ alg: "HS256" })
    .sign(Buffer.from("another secret of over 32 bytes!"));
  await assertRefused(at, forged, /signature/);
  const [head, , signature] = (await sign(clock)).split(".");
  const body = Buffer.from(JSON.stringify({ sub: "eve" })).toString("base64url");
  await assertRefused(at, `${head}.${body}.${signature}`, /signature/);
});

test("the algorithms are the configured ones, whatever a token says", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt() }, clock);
  const other = await claims(clock).setProtectedHeader({ alg: "HS512" }).sign(Buffer.alloc(64, 1));
  await assertRefused(at, other, /"alg"/);
  const unsecured = new UnsecuredJWT({ sub: "eve" }).encode();
  await assertRefused(at, unsecured, /^token: /);
});

test("claims of a wrong shape are refused", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt() }, clock);
  await assertRefused(at, await sign(clock, { roles: [7] }), /user_roles: expected a list/);
  await assertRefused(at, await sign(clock, { sub: { name: "ada" } }), /user_id: expected/);
});

test("claims are found by name, or by a path into them", () => {
  const names = { userId: "uid", userRoles: "realm_access.roles", deviceId: "a.b" };
  const found = { uid: "ada", realm_access: { roles: ["x"] }, "a.b": "d", user_id: "eve" };
  assert.deepEqual(selectAssigns(found, names), {
    ...found,
    ...{ user_id: "ada", user_roles: ["x"], device_id: "d" },
  });
  const { user_id, user_roles, device_id } = selectAssigns({ user_id: "eve" }, names);
  assert.deepEqual([user_id, user_roles, device_id], [null, null, null]);
  const proto = { ...names, userId: "constructor.name", userRoles: "__proto__" };
  assert.equal(selectAssigns({}, proto)["user_id"], null);
});

test("a socket is closed with 1008 when its token expires, skew included", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt(), idleTimeoutMs: 86_400_000 }, clock);
  const exp = clock.wallTime() / 1_000 + 10;
  const short = await at.connect(query(await sign(clock, { exp })));
  const long = await at.connect(query(await sign(clock, { exp: exp + 60 })));
  const endless = await at.connect(query(await sign(clock, { exp: undefined })));
  const gone = await at.connect(query(await sign(clock, { exp })));
  gone.ws.terminate();
  await at.until(({ sockets }) => sockets === 3);
  clock.advance(14_000);
  await at.statistics();
  await short.heartbeat();
  clock.advance(2_000);
  const [code, reason] = await once(short.ws, "close");
  assert.deepEqual([code, String(reason)], [1008, "token expired"]);
  await long.heartbeat();
  clock.advance(60_000);
  assert.equal(await long.closed, 1008);
  await endless.heartbeat();
});

test("with a connect handler the claims are the handler's to judge", async (t) => {
  const clock = new ManualClock();
  const at = await stage(t, { auth: jwt(), connect: handler }, clock);
  admission.decide = ({ claims: verified }) =>
    verified?.["sub"] === "ada" ? { user_id: `${verified["sub"]}@${verified["device_id"]}` } : null;
  assert.equal((await whoami(await at.connect(query(await sign(clock)))))["userId"], "ada@d1");
  const refusal = await refusedUpgrade(at.url(query(await sign(clock, { sub: "eve" }))));
  assert.equal(refusal.status, 403);
  let asked = false;
  admission.decide = () => {
    asked = true;
    return {};
  };
  await assertRefused(at, "a.b.c", /^token: /);
  assert.equal(asked, false);
});

interface Published {
  readonly url: string;
  readonly server: Server;
  keys: JWK[];
  fetches: number;
}

/** A server that publishes keys. */
async function publish(t: TestContext): Promise<Published> {
  const server = createServer((_request, response) => {
    published.fetches += 1;
    response.end(JSON.stringify({ keys: published.keys }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as { port: number };
  const url = `http://127.0.0.1:${port}/jwks.json`;
  const published: Published = { url, server, keys: [], fetches: 0 };
  return published;
}

async function keyPair(kid: string): Promise<{
  readonly jwk: JWK;
  sign(clock: ManualClock): Promise<string>;
}> {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" },
    sign: (clock) => claims(clock).setProtectedHeader({ alg: "ES256", kid }).sign(privateKey),
  };
}

test("keys of a JWKS are fetched, rotated, and kept while their server is down", async (t) => {
  const clock = new ManualClock();
  const published = await publish(t);
  const [old, fresh, stray] = [await keyPair("k1"), await keyPair("k2"), await keyPair("k3")];
  published.keys = [old.jwk];
  const config = jwt({ secret: null, jwksUrl: published.url, algorithms: ["ES256"] });
  const at = await stage(t, { auth: config, idleTimeoutMs: 86_400_000 }, clock);
  assert.equal(published.fetches, 0);
  await at.connect(query(await old.sign(clock)));
  await at.connect(query(await old.sign(clock)));
  assert.equal(published.fetches, 1);

  published.keys = [old.jwk, fresh.jwk];
  await assertRefused(at, await fresh.sign(clock), /a moment ago/);
  clock.advance(5_000);
  await at.connect(query(await fresh.sign(clock)));
  assert.equal(published.fetches, 2);
  await at.connect(query(await old.sign(clock)));

  for (let i = 0; i < 20; i++) await assertRefused(at, await stray.sign(clock), /^token: /);
  assert.equal(published.fetches, 2);

  published.server.close();
  published.server.closeAllConnections();
  clock.advance(5_000);
  await assertRefused(at, await stray.sign(clock), /fetch failed/);
  const failure = at.log.find(({ message }) => message === "JWKS cannot be fetched");
  assert.equal(failure?.fields?.["url"], published.url);
  clock.advance(86_400_000);
  await at.connect(query(await fresh.sign(clock)));
});

test("a key that is withdrawn is gone within ten minutes", async (t) => {
  const clock = new ManualClock();
  const published = await publish(t);
  const [old, fresh] = [await keyPair("k1"), await keyPair("k2")];
  published.keys = [old.jwk];
  const config = jwt({ secret: null, jwksUrl: published.url, algorithms: ["ES256"] });
  const at = await stage(t, { auth: config }, clock);
  await at.connect(query(await old.sign(clock)));
  published.keys = [fresh.jwk];
  const fetched = once(published.server, "request");
  clock.advance(600_000);
  await fetched;
  // The answer is on its way: the fresh key is known as soon as it is there.
  for (;;) {
    const client = new Client(at.url(query(await fresh.sign(clock))));
    const known = await Promise.race([
      once(client.ws, "open").then(() => true),
      once(client.ws, "unexpected-response").then(() => false),
    ]);
    if (known) break;
  }
  await assertRefused(at, await old.sign(clock), /^token: /);
});

test("where there have never been keys every token is refused, and the gateway starts", async (t) => {
  const clock = new ManualClock();
  const published = await publish(t);
  published.server.close();
  const config = jwt({ secret: null, jwksUrl: published.url, algorithms: ["ES256"] });
  const at = await stage(t, { auth: config }, clock);
  await assertRefused(at, await (await keyPair("k1")).sign(clock), /fetch failed/);
});

test("keys may come from a file; one that is none fails the start, by name", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "troupe-jwks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const clock = new ManualClock();
  const pair = await keyPair("k1");
  const path = join(folder, "jwks.json");
  writeFileSync(path, JSON.stringify({ keys: [pair.jwk] }));
  const of = (jwksFile: string) => jwt({ secret: null, jwksFile, algorithms: ["ES256"] });
  const at = await stage(t, { auth: of(path) }, clock);
  assert.equal((await whoami(await at.connect(query(await pair.sign(clock)))))["userId"], "ada");
  await assertRefused(at, await (await keyPair("k2")).sign(clock), /^token: /);
  const bad = join(folder, "bad.json");
  writeFileSync(bad, '{"keys":');
  await assert.rejects(stage(t, { auth: of(bad) }), /auth\.jwt\.jwksFile: .*bad\.json: /);
  await assert.rejects(stage(t, { auth: of(join(folder, "no.json")) }), /no\.json/);
});
