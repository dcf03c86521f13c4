import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { eventually, within } from "../deadline.ts";
import { GatewayProcess, type Scope, testScope } from "../gateway-process.ts";
import { CuttableLine } from "./cuttable-line.ts";

const executablePath = "/usr/bin/chromium";
const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`;
const published = new URL(
  "../../../node_modules/phoenix/priv/static/phoenix.min.js",
  import.meta.url,
);
const flags = [
  ...["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  ...["--disable-component-update", "--disable-sync"],
];

/** How long the one is cut off, and how often the other says something meanwhile. */
const cutMs = 10_000;
const paceMs = 250;
/** Only what hangs takes so long. */
const limitMs = 60_000;

async function startBrowser(scope: Scope): Promise<Browser> {
  const browser = await within(
    chromium.launch({ executablePath, headless: true, chromiumSandbox: false, args: flags }),
    "the browser starts",
    limitMs,
  );
  scope.after(() => browser.close());
  return browser;
}

/** Somebody at the chat page of the demo, in a profile of their own. */
class Guest {
  readonly name: string;
  readonly #page: Page;
  readonly errors: string[] = [];

  private constructor(page: Page, name: string) {
    this.#page = page;
    this.name = name;
    page.on("pageerror", ({ message }) => this.errors.push(message));
  }

  /** Opens the page and joins. */
  static async join(browser: Browser, port: number, name: string): Promise<Guest> {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(limitMs);
    const guest = new Guest(page, name);
    await page.goto(`http://127.0.0.1:${port}/chat?room=garden&name=${name}`);
    await page.getByRole("button", { name: "Join" }).click();
    await guest.reads(`You are here as ${name}.`);
    return guest;
  }

  async says(text: string): Promise<void> {
    await this.#page.getByLabel("Message", { exact: true }).fill(text);
    await this.#page.keyboard.press("Enter");
  }

  /** Resolves when the status says it. */
  async reads(status: string): Promise<void> {
    await this.#page.locator("#status").getByText(status).waitFor();
  }

  /** Resolves when exactly these people are here. */
  async sees(...people: string[]): Promise<void> {
    const own = people.map((name) => (name === this.name ? `${name} you` : name)).sort();
    const look = (): Promise<string[]> => this.#page.locator("#people li").allTextContents();
    const isWanted = (seen: string[]): boolean => seen.sort().join() === own.join();
    await eventually(look, isWanted, `${this.name} sees ${people}`, limitMs);
  }

  /** Resolves when the last line is this one, with all lines. */
  async hears(line: string): Promise<string[]> {
    const isWanted = (lines: string[]): boolean => lines.at(-1) === line;
    return eventually(() => this.lines(), isWanted, `${this.name} hears ${line}`, limitMs);
  }

  /** What the page shows, in its order: `Ann: hello`; a note of the page itself is in brackets. */
  lines(): Promise<string[]> {
    return this.#page.evaluate(`Array.from(document.querySelectorAll("#messages li"), (line) => {
      const from = line.querySelector("b")?.textContent;
      return from === undefined ? "[" + line.textContent + "]" : from + ": " + line.lastChild.textContent;
    })`);
  }
}

it("two browsers chat, and the one that is cut off for ten seconds misses nothing", {
  skip,
}, async (t) => {
  const scope = testScope(t);
  const gateway = await GatewayProcess.start(scope);
  const line = await CuttableLine.to(gateway.port, scope);
  const browser = await startBrowser(scope);
  const client = await fetch(`http://127.0.0.1:${gateway.port}/phoenix.min.js`);
  assert.equal(await client.text(), readFileSync(published, "utf8"), "it is the official client");

  const ann = await Guest.join(browser, gateway.port, "Ann");
  const bob = await Guest.join(browser, line.port, "Bob");
  await Promise.all([ann.sees("Ann", "Bob"), bob.sees("Ann", "Bob")]);
  const said: string[] = [];
  const talk = async (from: Guest, text: string, ...listeners: Guest[]): Promise<void> => {
    const line = `${from.name}: ${text}`;
    said.push(line);
    await from.says(text);
    await Promise.all([from, ...listeners].map((one) => one.hears(line)));
  };
  await talk(ann, "are you there?", bob);
  await talk(bob, "yes, <b>I am</b> 👋", ann);
  assert.deepEqual(await bob.lines(), said);

  line.cut();
  const cutAt = performance.now();
  await bob.reads("The connection is lost. Trying again…");
  await ann.sees("Ann");
  const known = [...said];
  for (let count = 1; count <= 5 || performance.now() < cutAt + cutMs; count++) {
    await talk(ann, `message ${count} that Bob cannot hear`);
    await pause(paceMs);
  }
  await eventually(
    async () => line.refused,
    (refused) => refused > 0,
    "his page tries to come back",
    limitMs,
  );
  assert.equal(line.connections, 0);
  assert.deepEqual(await bob.lines(), known);

  line.mend();
  await bob.reads("You are here as Bob.");
  await Promise.all([ann.sees("Ann", "Bob"), bob.sees("Ann", "Bob")]);
  assert.deepEqual(await bob.hears(said.at(-1) ?? ""), said);
  await talk(bob, "what did I miss?", ann);
  await talk(ann, "nothing", bob);
  assert.deepEqual(await ann.lines(), said);
  assert.deepEqual(await bob.lines(), said);
  assert.deepEqual([...ann.errors, ...bob.errors], []);
});
