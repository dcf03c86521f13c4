import assert from "node:assert/strict";
import { createServer, type ListenOptions } from "node:net";
import { test } from "node:test";
import { claimPort, listen, listenShared } from "../../../actors/channel/listener.ts";

const host = "127.0.0.1";

test("two servers share a claimed port", async (t) => {
  const port = await claimPort(host, 0);
  const servers = [createServer(), createServer()];
  t.after(() => servers.forEach((server) => void server.close()));
  for (const server of servers) assert.equal(await listenShared(server, host, port), true);
  await assert.rejects(claimPort(host, port), {
    code: "port_taken",
    message: `port ${port} on 127.0.0.1 is taken`,
  });
});

test("where the platform cannot share a port, the caller is told so", async () => {
  const server = createServer();
  server.listen = ((options: ListenOptions) => {
    assert.equal(options.reusePort, true);
    const error = Object.assign(new Error("listen ENOTSUP"), { code: "ENOTSUP" });
    process.nextTick(() => server.emit("error", error));
    return server;
  }) as typeof server.listen;
  assert.equal(await listenShared(server, host, 4000), false);
});

test("a failure is told in one line", async () => {
  await assert.rejects(listen(createServer(), { host: "192.0.2.1", port: 1 }), {
    code: "cannot_listen",
    message: /^cannot listen on 192\.0\.2\.1:1: /,
  });
});
