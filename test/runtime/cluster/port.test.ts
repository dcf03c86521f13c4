import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { describe, it } from "node:test";
import { claimPort, tcpTransport } from "../../../runtime/cluster/index.ts";
import { listenOn } from "../../../runtime/cluster/port.ts";

const host = "127.0.0.1";

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()));

describe("the port of a node", () => {
  it("is claimed for one process: also those who share it with others find it taken", async (t) => {
    const other = createServer();
    const port = await listenOn(other, { host, port: 0, reusePort: true });
    t.after(() => closed(other));
    await assert.rejects(claimPort(host, port), {
      name: "TroupeError",
      code: "port_taken",
      message: `127.0.0.1:${port} is taken`,
    });
  });

  it("is chosen where it is 0, and free to listen on after the claim", async (t) => {
    const port = await claimPort(host, 0);
    assert.ok(port > 0);
    const transport = tcpTransport(null);
    for (let thread = 0; thread < 2; thread += 1) {
      const listener = await transport.listen({ host, port, shared: true }, () => {});
      t.after(() => listener.close());
      assert.equal(listener.port, port);
    }
  });

  it("can be listened on again as soon as the listener is closed", async () => {
    const transport = tcpTransport(null);
    const first = await transport.listen({ host, port: 0, shared: false }, () => {});
    await first.close();
    const second = await transport.listen({ host, port: first.port, shared: false }, () => {});
    await second.close();
    assert.equal(await claimPort(host, first.port), first.port);
  });

  it("must be on an address of this machine", async () => {
    await assert.rejects(claimPort("192.0.2.1", 0), {
      code: "cannot_listen",
      message: "192.0.2.1:0: not an address of this machine",
    });
  });
});
