import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import test from "node:test";
import { freePorts } from "#runtime/testing";

test("free ports are as many as wanted, free, and of those that no system gives away", async (t) => {
  const ports = await freePorts(100);
  assert.equal(new Set(ports).size, 100);
  for (const port of ports) {
    const server = createServer().listen({ port, host: "127.0.0.1", exclusive: true });
    t.after(() => server.close());
    await once(server, "listening");
  }
  const given = createServer().listen(0, "127.0.0.1");
  t.after(() => given.close());
  await once(given, "listening");
  const { port } = given.address() as AddressInfo;
  assert.ok(Math.max(...ports) < port, `${Math.max(...ports)} and ${port}`);
});
