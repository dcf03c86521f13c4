import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { chromium } from "playwright-core";
import { freePorts } from "#runtime/testing";
import { startNode } from "./cluster-nodes.ts";
import { eventually, within } from "./deadline.ts";
import { fileScope, type Scope, testScope } from "./gateway-process.ts";
import { PhoenixClient } from "./phoenix-client.ts";
import type { TroupeProcess } from "./troupe-process.ts";

const root = join(import.meta.dirname, "..", "..");
const readme = await readFile(join(root, "README.md"), "utf8");

/** The block of the start page whose fence says that. */
function block(fence: string): string {
  const text = new RegExp(`^\`\`\`${fence}\\n([\\s\\S]*?)^\`\`\``, "m").exec(readme)?.[1];
  assert.ok(text, `there is no block ${fence} on the start page`);
  return text;
}

/** What the start page says to type, with ports of this test's own. */
class WalkThrough {
  readonly clientPort: number;
  readonly gatewayPort: number;
  readonly servicePort: number;
  readonly folder: string = mkdtempSync(join(tmpdir(), "troupe-walk-"));
  readonly #scope: Scope;

  private constructor(scope: Scope, [clients = 0, gateway = 0, service = 0]: readonly number[]) {
    this.clientPort = clients;
    this.gatewayPort = gateway;
    this.servicePort = service;
    this.#scope = scope;
    scope.after(() => rmSync(this.folder, { recursive: true }));
    writeFileSync(join(this.folder, "greeter.ts"), block("ts file=greeter.ts"));
  }

  static async prepare(scope: Scope): Promise<WalkThrough> {
    return new WalkThrough(scope, await freePorts(3));
  }

  get url(): string {
    return `ws://127.0.0.1:${this.clientPort}/socket`;
  }

  /** A text of the start page, as it reads with these ports and files. */
  adapt(text: string): string {
    return text
      .replaceAll("127.0.0.1:4000", `127.0.0.1:${this.clientPort}`)
      .replaceAll("127.0.0.1:9100", `127.0.0.1:${this.gatewayPort}`)
      .replaceAll("127.0.0.1:9101", `127.0.0.1:${this.servicePort}`)
      .replaceAll("./greeter.ts", join(this.folder, "greeter.ts"));
  }

  /** Types the start that has that word in it; it is stopped with the scope, and ends well. */
  #start(word: string, more: readonly string[], threads: number): Promise<TroupeProcess> {
    const line = block("sh nodes")
      .split("\n")
      .find((one) => one.includes(word));
    const [npx, troupe, start, ...flags] = this.adapt(line ?? "").split(" ");
    assert.deepEqual([npx, troupe, start], ["npx", "troupe", "start"]);
    return startNode(this.#scope, [...flags, ...more], threads);
  }

  startGateway(): Promise<TroupeProcess> {
    return this.#start("--demo", ["--port", String(this.clientPort)], 2);
  }

  startService(threads: number): Promise<TroupeProcess> {
    return this.#start("--role service", [], threads);
  }
}

async function greeting(client: PhoenixClient): Promise<string> {
  const { success, result, code } = await client.call("greeter", "greet", { name: "Ada" });
  return success ? (result as string) : (code ?? "");
}

function becomes(client: PhoenixClient, answer: string): Promise<string> {
  return eventually(
    () => greeting(client),
    (given) => given === answer,
    `the answer is ${answer}`,
  );
}

/** Two nodes that stay, of the start page. */
interface Pair {
  readonly walk: WalkThrough;
  readonly node: TroupeProcess;
  readonly gateway: TroupeProcess;
}

const scope = fileScope();
let pair: Promise<Pair> | null = null;

/** The service node comes first: nothing needs an order. */
async function startPair(): Promise<Pair> {
  const walk = await WalkThrough.prepare(scope);
  const node = await walk.startService(2);
  return { walk, node, gateway: await walk.startGateway() };
}

/** The same for all tests: they are started once. */
function bothNodes(): Promise<Pair> {
  pair ??= startPair();
  return pair;
}

describe("the two nodes of the start page", () => {
  it("serve the official client, also after one was stopped, and killed", async (t) => {
    // One scope for all: should a node not end well, the client is disconnected all the same.
    const scope = testScope(t);
    const walk = await WalkThrough.prepare(scope);
    const gateway = await walk.startGateway();
    const client = await PhoenixClient.join(scope, walk.url, { userId: "me", inline: true });
    assert.equal(await greeting(client), "unsupported_function");

    const first = await walk.startService(1);
    assert.match(first.stdout, new RegExp(`^joined +gateway@127.0.0.1:${walk.gatewayPort}$`, "m"));
    assert.match(first.stdout, /^services +greeter: greet, wave, scold$/m);
    await becomes(client, "Hello Ada, said me");
    const wave = await gateway.command<{ result: unknown }>("call", "greeter", "wave");
    assert.deepEqual(wave.result, ["left", "right"]);

    first.kill("SIGTERM");
    assert.equal((await within(first.ended, "the node stops")).code, 0);
    assert.equal(await greeting(client), "unavailable");
    const second = await walk.startService(1);
    await becomes(client, "Hello Ada, said me");

    second.kill("SIGKILL");
    await becomes(client, "unavailable");
    await walk.startService(1);
    await becomes(client, "Hello Ada, said me");
    assert.deepEqual([client.opens, client.closes], [1, 0]);
  });

  it("are seen from each other by operators", async (t) => {
    const { walk, node, gateway } = await bothNodes();
    assert.match(node.stdout, /^joins +gateway@127.0.0.1:\d+ as soon as it is there$/m);
    assert.match(node.stdout, /^note +without a cookie it listens on loopback only: /m);
    assert.match(node.stdout, new RegExp(`npx troupe repl --socket |--port ${walk.servicePort} `));
    const client = await PhoenixClient.join(t, walk.url, { userId: "me", inline: true });
    await becomes(client, "Hello Ada, said me");
    const names = [
      `gateway@127.0.0.1:${walk.gatewayPort}`,
      `greeters@127.0.0.1:${walk.servicePort}`,
    ];

    for (const one of [gateway, node]) {
      const printed = one === gateway ? (await one.run("nodes")).stdout : await one.prompt("nodes");
      for (const name of names) {
        assert.match(printed, new RegExp(`^${name}( \\*)? +up +(gateway|service) +\\d`, "m"));
      }
      assert.match(printed, / greeter$/m);
      const rows = await one.command<{ summary: { services: string[] } | null }[]>("nodes");
      assert.ok(rows.every(({ summary }) => summary !== null));
    }
    const view = await gateway.prompt("clusterView");
    assert.match(view, new RegExp(`^greeter +${names[1]} +greet, scold, wave$`, "m"));
    assert.match(view, new RegExp(`^echo_service +${names[0]} \\(2\\) +echo$`, "m"));
    const offered = await gateway.prompt("pushedServicesStatus");
    assert.match(offered, new RegExp(`^greeter +${names[1]} +up +(push|pull) `, "m"));

    const tree = (await gateway.run("tree", "--node", "greeters")).stdout;
    assert.match(tree, new RegExp(`^${names[1]} +Node `, "m"));
    assert.match(tree, new RegExp(`─ greeter-1 +<${names[1]}\\.[12]\\.\\d+> +greeter `, "m"));
    assert.doesNotMatch(tree, /acceptor/);
    const all = await node.prompt("tree");
    assert.match(all, /^root +<0\.0\.\d+> /m);
    assert.match(all, new RegExp(`─ acceptor-1 +<${names[0]}\\.1\\.\\d+> +Acceptor `, "m"));
    const nobody = await gateway.run("tree", "--node", "nobody");
    assert.deepEqual([nobody.code, nobody.stdout], [1, ""]);
    assert.equal(
      nobody.stderr,
      `troupe: there is no node "nobody": there are ${names.join(", ")}\n`,
    );

    const module = join(walk.folder, "greeter.ts");
    const refused = await gateway.run("spawn", module, "--node", "greeters");
    assert.match(refused.stderr, /^troupe: not_allowed: .*greeter\.ts may not be loaded on /);
  });

  const executablePath = "/usr/bin/chromium";
  const skip = existsSync(executablePath) ? false : `there is no ${executablePath}`;
  it("serve the page of the start page", { skip }, async (t) => {
    const scope = testScope(t);
    const { walk, gateway } = await bothNodes();
    await eventually(
      () => gateway.command<object[]>("functions", "greeter").catch(() => []),
      ({ length }) => length > 0,
      "the gateway knows the greeter",
    );
    const page = walk.adapt(block("html page"));
    const server = createServer(async (request, response) => {
      const isModule = request.url?.startsWith("/node_modules/phoenix/") ?? false;
      response.setHeader("Content-Type", isModule ? "text/javascript" : "text/html");
      response.end(isModule ? await readFile(join(root, request.url ?? "")) : page);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const folder = mkdtempSync(join(tmpdir(), "troupe-walk-page-"));
    const args = ["--disable-gpu", "--no-first-run", "--disable-background-networking"];
    const options = { executablePath, headless: true, chromiumSandbox: false, args };
    const context = await within(
      chromium.launchPersistentContext(folder, options),
      "the browser starts",
      60_000,
    );
    scope.after(async () => {
      await context.close();
      server.close();
      server.closeAllConnections();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const tab = await context.newPage();
    await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/page.html`);
    await within(
      tab.waitForFunction('document.body.textContent === "Hello Ada, said me"'),
      "the page shows the greeting",
      60_000,
    );
  });
});
