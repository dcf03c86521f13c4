import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Page } from "playwright-core";
import { eventually, within } from "./deadline.ts";
import { GatewayProcess, type Scope, testScope } from "./gateway-process.ts";

const executablePath = "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`;
const cutOffMs = 10_000;

/** A way to the gateway that can be cut. */
class Cable {
  isCut = false;
  readonly port: number;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.port = port;
  }

  static async lay(scope: Scope, to: number): Promise<Cable> {
    const server = createServer((socket) => cable.#accept(socket, to));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const cable = new Cable((server.address() as AddressInfo).port);
    scope.after(() => {
      server.close();
      cable.cut();
    });
    return cable;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(near: Socket, to: number): void {
    const far = connect(to, "127.0.0.1");
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    if (this.isCut) near.destroy();
  }
}

/** A browser of its own in a room of the demo page. */
async function enterRoom(scope: Scope, port: number, name: string): Promise<Page> {
  const folder = mkdtempSync(join(tmpdir(), "troupe-chat-"));
  const args = ["--disable-gpu", "--disable-quic", "--no-first-run"];
  const options = { executablePath, headless: true, chromiumSandbox: false, args };
  const starting = chromium.launchPersistentContext(folder, options);
  const context = await within(starting, "a browser starts", 60_000);
  scope.after(async () => {
    await context.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const page = await context.newPage();
  await within(page.goto(`http://127.0.0.1:${port}/chat?name=${name}`), "the page loads", 60_000);
  await page.getByRole("button", { name: "Join" }).click();
  await page.getByText(`You are here as ${name}.`).waitFor();
  return page;
}

async function say(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message", { exact: true }).fill(text);
  await page.keyboard.press("Enter");
  await page.locator("#messages li").getByText(text, { exact: true }).waitFor();
}

/** What the page shows of the room, without the times. */
function readLog(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(
    `[...document.querySelectorAll("#messages li")].map((line) =>
      [...line.childNodes].filter(({ nodeName }) => nodeName !== "TIME").map((node) => node.textContent).join(": "))`,
  );
}

it("two browsers chat; one that is cut off for ten seconds misses nothing", { skip }, async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope);
  const cable = await Cable.lay(scope, gateway.port);
  const ann = await enterRoom(scope, gateway.port, "ann");
  await say(ann, "first");
  const bob = await enterRoom(scope, cable.port, "bob");
  // What was said before is there.
  await bob.locator("#messages").getByText("first").waitFor();
  await ann.locator("#people").getByText("bob").waitFor();
  await say(bob, "hello ann");
  await ann.locator("#messages").getByText("hello ann").waitFor();

  cable.cut();
  await bob.getByText("The connection is lost").waitFor();
  await ann.locator("#people").getByText("bob").waitFor({ state: "detached" });
  for (let n = 1; n <= 5; n += 1) await say(ann, `missed ${n}`);
  await sleep(cutOffMs);
  cable.isCut = false;
  await bob.getByText("You are here as bob.").waitFor();
  await say(bob, "back again");
  const expected = [
    "ann: first",
    "bob: hello ann",
    ...[1, 2, 3, 4, 5].map((n) => `ann: missed ${n}`),
    "bob: back again",
  ];
  for (const page of [ann, bob]) {
    const log = await eventually(
      () => readLog(page),
      ({ length }) => length >= expected.length,
      "all messages are there",
    );
    assert.deepEqual(log, expected);
  }
  await ann.locator("#people").getByText("bob").waitFor();
});
