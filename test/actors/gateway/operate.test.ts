import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Ended, TroupeCommand } from "../../fixtures/troupe-command.ts";
import { type Ending, runTroupe, startGatewayProcess, temporaryFolder } from "./gateway-process.ts";

interface Node {
  readonly name: string;
  readonly children: readonly Node[];
}

describe("an operator", { concurrency: 2 }, () => {
  let folder = "";
  let port = 0;
  const run = (...argv: string[]): Promise<Ended> =>
    runTroupe(argv, folder, { TROUPE_PORT: String(port) });

  const ends: (() => void | Promise<void>)[] = [];
  const suite: Ending = { after: (end) => void ends.push(end) };
  before(async () => {
    folder = temporaryFolder(suite);
    ({ port } = await startGatewayProcess(suite, ["--demo"], folder));
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  it("sees the tree, as text and as nothing but JSON", async () => {
    const tree = await run("tree");
    assert.match(tree.stdout, /^root +<0\.0\.\d+> +Supervisor +main +running /m);
    assert.match(tree.stdout, /^ {3}├─ acceptor-1 +<0\.1\.\d+> +Acceptor +1 +running /m);
    const { stdout, stderr, code } = await run("tree", "--json");
    assert.deepEqual([code, stderr], [0, ""]);
    const [root]: Node[] = JSON.parse(stdout);
    const gateway = root?.children.find(({ name }) => name === "gateway");
    assert.deepEqual(
      gateway?.children.map(({ name }) => name),
      [
        ...["acceptor-1", "breakers", "bulkheads", "caller-0", "caller-1", "chat_service-1"],
        ...["console", "failed_configs", "limiter-1", "limits", "loader", "operator"],
        ...["pool/async", "pool/stream", "registry", "relay-1", "services", "settings"],
      ],
    );
    const services = gateway?.children.find(({ name }) => name === "services");
    assert.ok(services?.children.some(({ name }) => name === "echo_service"));
    const ps: Node[] = JSON.parse((await run("ps", "--json")).stdout);
    assert.ok(ps.some(({ name }) => name === "echo_service-1"));
  });

  it("calls functions as a client would", async () => {
    const echo = await run("call", "echo_service", "echo", '{"message":"hi"}', "--json");
    const { result, success } = JSON.parse(echo.stdout);
    assert.deepEqual([result, success], ["hi", true]);
    const versioned = await run("call", "user_service", "get_user@1.0.0", '{"user_id":"1"}');
    assert.match(versioned.stdout, /Ada Lovelace/);
    assert.equal(
      (await run("call", "user_service", "get_user", '{"user_id":"9"}')).stdout,
      "not_found: No user 9\n",
    );
    assert.match((await run("call", "nope", "x")).stdout, /^unsupported_function: /);
  });

  it("spawns a module that is callable at once, replaces it, and stops it", async () => {
    const write = (answer: number): void =>
      writeFileSync(
        join(folder, "late.ts"),
        'import { defineService } from "#actors";\n' +
          `export default defineService("late_service", { answer: () => ${answer} });\n`,
      );
    write(41);
    assert.equal((await run("spawn", "./late.ts")).stdout, "loaded late_service: answer\n");
    assert.equal((await run("call", "late_service", "answer")).stdout, "41\n");
    write(42);
    assert.equal((await run("restart", "late_service")).stdout, "loaded late_service anew\n");
    assert.equal((await run("call", "late_service", "answer")).stdout, "42\n");
    assert.equal((await run("spawn", "./late.ts")).stdout, "replaced late_service: answer\n");
    assert.match(
      (await run("services")).stdout,
      /^late_service +running +1 +answer +\/.*late\.ts$/m,
    );
    assert.equal((await run("stop", "late_service")).stdout, "stopped the service late_service\n");
    assert.match((await run("call", "late_service", "answer")).stdout, /^unsupported_function: /);
    const missing = await run("spawn", "gone.ts");
    assert.deepEqual([missing.code, missing.stdout], [1, ""]);
    const reason = `no_such_file: ${join(folder, "gone.ts")}: there is no such file`;
    assert.equal(missing.stderr, `troupe: ${reason}\n`);
  });

  it("restarts an actor; its state begins anew and the service goes on", async () => {
    await run("call", "math_service", "add", '{"by":5}');
    const { stdout } = await run("restart", "math_service-1");
    assert.match(stdout, /^<0\.1\.\d+> is now <0\.1\.\d+>\n$/);
    assert.equal((await run("call", "math_service", "value")).stdout, "0\n");
    assert.match((await run("inspect", "math_service-1")).stdout, /^restarts +1$/m);
  });

  it("hears how the gateway is", async () => {
    assert.match((await run("health")).stdout, /^troupe is ok: Troupe /);
    const health = JSON.parse((await run("health", "--json")).stdout);
    assert.deepEqual([health.status, health.threads, health.sockets], ["ok", 2, 0]);
  });

  it("has all of it at a prompt", async () => {
    const repl = new TroupeCommand(["repl", "--port", String(port)], { folder });
    repl.child.stdin.end(
      'call("echo_service", "echo", { message: "hi" })\n' +
        '(await call("echo_service", "echo", { message: "a" })).result + "b"\n' +
        'call("echo_service")\nhelp()\n(await tree()).length\n',
    );
    const { code, stdout } = await repl.ended;
    assert.equal(code, 0);
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 3), ["'hi'", "'ab'", "type: expected the name of a function"]);
    assert.match(
      stdout,
      /^call\(service, type, args\?, as\?\) +call a function as a client would/m,
    );
    assert.equal(lines.at(-2), "1");
  });

  it("is told in one line what cannot be done", async () => {
    for (const [argv, message] of [
      [["inspect", "nobody"], 'no living actor has the name or pid "nobody"'],
      [["ask"], "ask: expected 2 to 3 arguments, received 0; usage: ask X METHOD [ARGS-JSON]"],
      [["call", "a", "b", "{"], 'call: args: expected JSON, received "{"'],
      [["call", "a", "b", "[]"], "args: expected an object of arguments by name"],
      [
        ["call", "a", "b", "{}", '{"userId":"ada"}'],
        'as: expected user_id, user_roles, device_id, received "userId"',
      ],
      [
        ["call", "a", "b", "{}", '{"user_roles":"admin"}'],
        'as.user_roles: expected a list of texts, received "admin"',
      ],
    ] as const) {
      const { code, stdout, stderr } = await run(...argv);
      assert.deepEqual([code, stdout, stderr], [1, "", `troupe: ${message}\n`]);
    }
  });

  it("is told in one line that no gateway runs", async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, `troupe-${process.getuid?.()}-4000.sock`);
    for (const argv of [["tree"], ["repl"], ["tree", "--json"]]) {
      const { code, stdout, stderr } = await runTroupe(argv, folder);
      assert.deepEqual([code, stdout], [1, ""]);
      const remedy = '"npx troupe start" starts one, --port or --socket names another';
      assert.equal(stderr, `troupe: no gateway runs at ${path}: ${remedy}\n`);
    }
  });

  it("can start a gateway again where one was killed", async (t) => {
    const folder = temporaryFolder(t);
    const socket = ["--socket", join(folder, "own.sock")];
    const { gateway } = await startGatewayProcess(t, socket, folder);
    gateway.child.kill("SIGKILL");
    await gateway.ended;
    assert.ok(existsSync(join(folder, "own.sock")));
    const dead = await runTroupe(["tree", ...socket], folder);
    assert.match(dead.stderr, /^troupe: no gateway runs at .*own\.sock: "npx troupe start" /);
    await startGatewayProcess(t, socket, folder);
    assert.equal((await runTroupe(["tree", ...socket], folder)).code, 0);
    const second = await runTroupe(["--port", "0", "--threads", "1", ...socket], folder);
    assert.equal(second.code, 1);
    assert.match(second.stderr, /own\.sock: expected no one there, another process listens\n$/);
  });
});
