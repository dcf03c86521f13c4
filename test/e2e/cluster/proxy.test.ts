import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { within } from "../deadline.ts";
import { FaultProxy } from "./proxy.ts";

/** A socket, and all that it got. */
class Heard {
  readonly socket: Socket;
  text = "";
  readonly closed: Promise<unknown>;
  #look = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text) => {
      this.text += text;
      this.#look();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) => socket.once("close", resolve));
  }

  /** Resolves when it has got exactly that. */
  gets(text: string): Promise<void> {
    const got = new Promise<void>((resolve) => {
      this.#look = () => void (this.text === text && resolve());
      this.#look();
    });
    return within(got, `"${text}" arrives, not "${this.text}"`);
  }
}

/** A dialling node and a dialled one, with a proxy between them. */
async function stage(t: TestContext, name = "one@127.0.0.1:1") {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await FaultProxy.open(t);
  proxy.targetPort = (server.address() as AddressInfo).port;
  const accepted: Heard[] = [];
  server.on("connection", (socket: Socket) => void accepted.push(new Heard(socket)));
  t.after(() => {
    server.close();
    for (const { socket } of accepted) socket.destroy();
  });
  const hello = `{"name":"${name}"}`;
  const dial = async () => {
    const socket = connect(proxy.port, "127.0.0.1");
    t.after(() => socket.destroy());
    const near = new Heard(socket);
    socket.write(hello);
    await once(server, "connection");
    const far = accepted.at(-1) as Heard;
    return { near, far };
  };
  const { near, far } = await dial();
  await far.gets(hello);
  return { proxy, near, far, hello, dial };
}

describe("the proxy", () => {
  it("passes both directions, and the end", async (t) => {
    const { near, far, hello, proxy } = await stage(t);
    far.socket.write("welcome");
    await near.gets("welcome");
    near.socket.end("bye");
    await far.gets(`${hello}bye`);
    await within(Promise.all([near.closed, far.closed]), "both are closed");
    assert.equal(proxy.connections, 0);
  });

  it("cuts one direction; after the healing the connection is reset", async (t) => {
    const { proxy, near, far, hello } = await stage(t);
    proxy.cut({ flow: "in" });
    near.socket.write("lost");
    far.socket.write("heard");
    await near.gets("heard");
    far.socket.write("!");
    await near.gets("heard!");
    assert.equal(near.socket.destroyed, false);
    proxy.heal();
    await within(Promise.all([near.closed, far.closed]), "both are reset");
    assert.equal(far.text, hello);
  });

  it("hides the end of a cut connection", async (t) => {
    const { proxy, near, far, dial, hello } = await stage(t);
    proxy.cut({ from: "one" });
    far.socket.destroy();
    await far.closed;
    // The proxy has seen the end by the time that it has carried this.
    const other = await dial();
    assert.equal(near.socket.destroyed, false);
    proxy.heal();
    await within(near.closed, "it is reset");
    assert.equal(other.far.text === "" || other.far.text === hello, true);
  });

  it("holds, and delivers in order afterwards; delays", async (t) => {
    const { proxy, near, far, hello } = await stage(t);
    proxy.hold({ from: "one", flow: "in" });
    for (const letter of "abc") near.socket.write(letter);
    far.socket.write("back");
    await near.gets("back");
    assert.equal(far.text, hello);
    proxy.heal();
    await far.gets(`${hello}abc`);
    proxy.delay(50);
    const before = performance.now();
    near.socket.write("d");
    await far.gets(`${hello}abcd`);
    assert.ok(performance.now() - before >= 49);
    near.socket.write("e");
    proxy.heal();
    near.socket.write("f");
    await far.gets(`${hello}abcdef`);
  });

  it("tears what is written: half arrives", async (t) => {
    const { proxy, near, far, hello } = await stage(t);
    proxy.tear(true, { flow: "out" });
    far.socket.write("0123456789");
    await within(Promise.all([near.closed, far.closed]), "both are reset");
    assert.ok("01234".startsWith(near.text), near.text);
    const silent = await stage(t);
    silent.proxy.tear(false, { flow: "in" });
    silent.near.socket.write("0123456789");
    await silent.far.gets(`${hello}01234`);
    silent.far.socket.write("still");
    await silent.near.gets("still");
  });

  it("has its faults for the nodes that they are for", async (t) => {
    const { proxy, near, far, hello } = await stage(t, "other@127.0.0.1:1");
    proxy.cut({ from: "one" });
    proxy.drop("one");
    near.socket.write("x");
    await far.gets(`${hello}x`);
    proxy.drop("other");
    await within(Promise.all([near.closed, far.closed]), "both are reset");
  });

  it("breaks a connection to a port where nobody listens", async (t) => {
    const proxy = await FaultProxy.open(t);
    const closed = createServer().listen(0, "127.0.0.1");
    await once(closed, "listening");
    proxy.targetPort = (closed.address() as AddressInfo).port;
    closed.close();
    await once(closed, "close");
    const near = new Heard(connect(proxy.port, "127.0.0.1"));
    await within(near.closed, "it is reset");
    assert.equal(proxy.connections, 0);
  });
});
