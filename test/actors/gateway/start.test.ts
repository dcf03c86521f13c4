import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { TroupeCommand } from "../../fixtures/troupe-command.ts";
import { runTroupe, startGatewayProcess, temporaryFolder } from "./gateway-process.ts";

const waitingService = fileURLToPath(new URL("fixtures/waiting-service.ts", import.meta.url));
const takenText = (port: number): string =>
  `troupe: port ${port} on 127.0.0.1 is taken: name another one with --port; --port 0 takes a free one\n`;
const badService = fileURLToPath(new URL("fixtures/bad-service.ts", import.meta.url));

describe("troupe start", { concurrency: 2 }, () => {
  it("says what runs, serves, and ends with 0 on SIGTERM", async (t) => {
    const folder = temporaryFolder(t);
    const { gateway, port } = await startGatewayProcess(t, ["--demo"], folder);
    assert.match(gateway.stdout, /^Troupe \d+\.\d+\.\d+ on Node v\d+\.\d+\.\d+, 1 thread$/m);
    assert.match(gateway.stdout, /user_service: list_users, get_user \(1\.0\.0, 2\.0\.0\)$/m);
    assert.match(gateway.stdout, /new Socket\("ws:\/\/.*user_id/);
    assert.match(gateway.stdout, /channel\.push\("api", \{"service":"echo_service"/);
    assert.match(gateway.stdout, new RegExp(`npx troupe repl --port ${port} `));
    const chat = /^chat +(http:\/\/127\.0\.0\.1:\d+\/chat) /m.exec(gateway.stdout)?.[1] ?? "";
    assert.equal((await fetch(chat)).status, 200);
    assert.match(gateway.stdout, /^demo .*user_id from the query.*for trying out only$/m);
    const health = await fetch(`http://127.0.0.1:${port}/health`);
    assert.equal(health.status, 200);
    const socket = join(folder, `troupe-${process.getuid?.()}-${port}.sock`);
    assert.equal(statSync(socket).mode & 0o777, 0o600);
    gateway.child.kill("SIGTERM");
    const { code, stderr } = await gateway.ended;
    assert.equal(code, 0, stderr);
    assert.equal(existsSync(socket), false);
  });

  it("serves without a service, and says what a channel wants that has no users", async (t) => {
    const { gateway, port } = await startGatewayProcess(t, [], temporaryFolder(t));
    assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
    assert.match(gateway.stdout, /^services {2}none yet: npx troupe spawn /m);
    assert.match(
      gateway.stdout,
      /^note +nobody can call on api:\* without a user: set auth or connect/m,
    );
    assert.doesNotMatch(gateway.stdout, /^demo|^chat/m);
    gateway.child.kill("SIGINT");
    assert.equal((await gateway.ended).code, 0);
  });

  it("waits for calls in flight, but not past a second signal", async (t) => {
    const folder = temporaryFolder(t);
    const { gateway, port } = await startGatewayProcess(t, ["--service", waitingService], folder);
    const call = ["call", "waiting_service", "wait", "--port", String(port)];
    const waiting = runTroupe(call, folder);
    const inspect = ["inspect", "waiting_service-1", "--json", "--port", String(port)];
    for (let active = 0; active === 0; ) {
      active = JSON.parse((await runTroupe(inspect, folder)).stdout).active;
    }
    gateway.child.kill("SIGTERM");
    await gateway.said("stderr", /stopping/);
    // What npm delivers again at the same moment is no second signal; what comes this late is.
    await sleep(600);
    assert.equal(gateway.child.exitCode, null);
    gateway.child.kill("SIGTERM");
    assert.equal((await gateway.ended).code, 143);
    assert.equal((await waiting).code, 1);
  });

  it("ends with 1 and a line when its supervisors give up", async (t) => {
    const folder = temporaryFolder(t);
    const { gateway, port } = await startGatewayProcess(t, [], folder);
    const script =
      'for (let n = 0; n < 12; n++) system.killActor(system.resolve("root"), "test")\n';
    const repl = new TroupeCommand(["repl", "--port", String(port)], { folder });
    repl.child.stdin.end(script);
    const { code, stderr } = await gateway.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^troupe: the root supervisor gave up$/m);
  });

  describe("that cannot", () => {
    const refused = (
      name: string,
      argv: (folder: string) => string[],
      message: (folder: string) => string | RegExp,
    ): void => {
      it(`says so in one line: ${name}`, async (t) => {
        const folder = temporaryFolder(t);
        const run = await runTroupe(["start", "--threads", "1", ...argv(folder)], folder);
        assert.equal(run.code, 1);
        assert.equal(run.stdout, "");
        assert.equal(run.stderr.split("\n").length, 2, run.stderr);
        const expected = message(folder);
        if (typeof expected === "string") assert.equal(run.stderr, `troupe: ${expected}\n`);
        else assert.match(run.stderr, expected);
      });
    };

    refused(
      "a flag that it does not know",
      () => ["--cookie", "x"],
      () => /^troupe: unknown flag --cookie: expected one of --port /,
    );
    refused(
      "a service node without an address",
      () => ["--role", "service"],
      () =>
        /^troupe: --name: with --role service expected the address at which other nodes reach it, /,
    );
    refused(
      "a node for other machines that has no cookie",
      () => ["--name", "gateway@10.0.0.1:9100"],
      () => /^troupe: cluster\.cookie: expected a secret .* \(TROUPE_COOKIE sets one\)$/m,
    );
    refused(
      "a service that is not there",
      () => ["--port", "0", "--service", "no.ts"],
      (folder) => `--service: expected a service module, no file at ${join(folder, "no.ts")}`,
    );
    refused(
      "a service that does not parse",
      (folder) => {
        writeFileSync(join(folder, "broken.ts"), "export default {\n  a: 1,\n  b b\n};\n");
        return ["--port", "0", "--service", "broken.ts"];
      },
      (folder) => new RegExp(`^troupe: ${join(folder, "broken.ts")}:3: SyntaxError: `),
    );
    refused(
      "a service that is invalid",
      () => ["--port", "0", "--service", badService],
      () => /^troupe: .*bad-service\.ts: the service bad_service is invalid: .*request/i,
    );
    refused(
      "a connect handler that is not there",
      (folder) => {
        writeFileSync(join(folder, "auth.ts"), "export const other = 1;");
        const source = 'export default { connect: { module: "./auth.ts" } };';
        writeFileSync(join(folder, "troupe.config.ts"), source);
        return ["--port", "0"];
      },
      () => /^troupe: connect handler: file:.*auth\.ts has no function connect$/m,
    );
    refused(
      "a socket where there can be none",
      (folder) => {
        writeFileSync(join(folder, "taken"), "dear diary");
        return ["--port", "0", "--socket", "taken"];
      },
      (folder) => `${join(folder, "taken")}: expected a socket, found another file`,
    );

    it("says so in one line: a port that is taken", async (t) => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const { port } = server.address() as { port: number };
      const run = await runTroupe(["--port", String(port)], temporaryFolder(t));
      assert.deepEqual([run.code, run.stdout], [1, ""]);
      assert.equal(run.stderr, takenText(port));
    });

    it("says so in one line: an address that is taken", async (t) => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      t.after(() => server.close());
      const { port } = server.address() as { port: number };
      const address = `127.0.0.1:${port}`;
      const argv = ["--port", "0", "--threads", "1", "--name", `gateway@${address}`];
      const run = await runTroupe(argv, temporaryFolder(t));
      assert.deepEqual([run.code, run.stdout], [1, ""]);
      const remedy = "give the node another address with --name";
      assert.equal(run.stderr, `troupe: ${address} is taken: ${remedy}\n`);
    });

    it("leaves the port of another gateway alone", async (t) => {
      const folder = temporaryFolder(t);
      const { port } = await startGatewayProcess(t, [], folder);
      const run = await runTroupe(["--port", String(port)], folder);
      assert.equal(run.stderr, takenText(port));
      assert.equal((await fetch(`http://127.0.0.1:${port}/health`)).status, 200);
    });
  });
});
