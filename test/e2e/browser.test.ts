import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { chromium, type Page } from "playwright-core";
import { eventually, within } from "./deadline.ts";
import { GatewayProcess, type Scope, testScope } from "./gateway-process.ts";
import type { WireResponse } from "./phoenix-client.ts";

const executablePath = "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`;
const browserBuild = new URL(
  "../../node_modules/phoenix/priv/static/phoenix.min.js",
  import.meta.url,
);

/** What the page does with the client, and what the test sees of it. */
const script = (url: string): string => `
  const seen = { opens: 0, closes: 0, errors: 0, pushes: [] };
  const socket = new Phoenix.Socket(${JSON.stringify(url)}, { params: { user_id: "browser" } });
  socket.onOpen(() => { seen.opens += 1; });
  socket.onClose(() => { seen.closes += 1; });
  socket.onError(() => { seen.errors += 1; });
  const settled = (push) => new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
  const channel = socket.channel("api:lobby", { reply: "inline" });
  const plain = socket.channel("api:plain");
  plain.on("api", (response) => seen.pushes.push(response));
  const request = (request_id, service, request_type, args) =>
    ({ request_id, service, request_type, args });
  const call = async (...given) => (await settled(channel.push("api", request(...given)))).response;
  window.page = { seen, socket, channel, plain, settled, request, call };
`;

const flags = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

/** A page that has the official client's browser build, as it is. */
async function openPage(scope: Scope, url: string): Promise<Page> {
  const server = createServer((request, response) => {
    if (request.url === "/phoenix.js") {
      response.setHeader("Content-Type", "text/javascript");
      response.end(readFileSync(browserBuild));
      return;
    }
    response.setHeader("Content-Type", "text/html; charset=utf-8");
    response.end(`<script src="/phoenix.js"></script><script>${script(url)}</script>`);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const folder = mkdtempSync(join(tmpdir(), "troupe-browser-"));
  const context = await within(
    chromium.launchPersistentContext(folder, {
      ...{ executablePath, headless: true, chromiumSandbox: false, args: flags },
    }),
    "the browser starts",
    60_000,
  );
  scope.after(async () => {
    await context.close();
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const page = await context.newPage();
  const { port } = server.address() as AddressInfo;
  await within(page.goto(`http://127.0.0.1:${port}/`), "the page loads", 60_000);
  return page;
}

it("the official client in a browser joins, calls, and survives a restart", { skip }, async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope);
  const page = await openPage(scope, gateway.url);
  /** Runs an expression in the page. */
  const run = <T>(expression: string): Promise<T> =>
    within(page.evaluate(expression) as Promise<T>, expression);
  const call = (...given: unknown[]): Promise<WireResponse> =>
    run(`page.call(...${JSON.stringify(given)})`);

  const joined = { status: "ok", response: {} };
  assert.deepEqual(await run("page.socket.connect(), page.settled(page.channel.join())"), joined);
  assert.deepEqual(await run("page.settled(page.plain.join())"), joined);

  assert.equal(
    (await call("b1", "echo_service", "echo", { message: "grüß 👋" })).result,
    "grüß 👋",
  );
  const users = (await call("b2", "user_service", "list_users")).result;
  assert.equal((users as unknown[]).length, 3);
  const some = await call("b3", "user_service", "get_user", { user_id: "1", fields: ["name"] });
  assert.deepEqual(some.result, { name: "Ada Lovelace" });
  const none = await call("b4", "user_service", "get_user", { user_id: "9" });
  assert.deepEqual([none.success, none.code, none.error], [false, "not_found", "No user 9"]);
  assert.equal((await call("b5", "math_service", "add", { by: 7 })).result, 7);

  const reply = await run(
    `page.settled(page.plain.push("api", page.request("b6", "echo_service", "echo", { message: "p" })))`,
  );
  assert.deepEqual(reply, { status: "ok", response: "echo" });
  const [push] = await run<WireResponse[]>("page.seen.pushes");
  assert.deepEqual([push?.request_id, push?.result], ["b6", "p"]);

  const printed = await gateway.prompt('restart("math_service-1")');
  assert.match(printed, /^<0\.\d+\.\d+> is now <0\.\d+\.\d+>\n$/);
  const { result } = await eventually(
    () => call("b7", "math_service", "add", { by: 1 }),
    ({ success }) => success,
    "the counter is there again",
  );
  assert.equal(result, 1);
  const { opens, closes, errors } = await run<Record<string, number>>("page.seen");
  assert.deepEqual({ opens, closes, errors }, { opens: 1, closes: 0, errors: 0 });
  assert.equal(await run("page.channel.state"), "joined");
});
