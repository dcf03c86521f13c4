import {
  createSystem,
  lineLog,
  Prompt,
  type PromptOptions,
  ReplSocket,
  type System,
  stopOnSignals,
  systemClock,
} from "#runtime";
import { type FunConfig, registryTable } from "../registry/index.ts";
import { gatewayCommands } from "./commands.ts";
import { type GatewayConfig, selectSocketPath } from "./config.ts";
import { selectNodePort } from "./config-cluster.ts";
import { waitForJoined } from "./joined-nodes.ts";
import { StartLog } from "./start-log.ts";
import { encodeStartUp } from "./start-up.ts";
import { drainAcceptors, type Gateway, startGateway, startServiceNode } from "./tree.ts";

/** What the last actors may take to stop when the requests in flight have used up their time. */
const stopMarginMs = 2_000;

/**
 * Runs a gateway or a service node in this process: prints where it serves, opens the operators' socket and, in a
 * terminal, a prompt. Resolves when it serves; the process ends with 0 after SIGTERM, SIGINT or the
 * end of the prompt, and with 1 when the system gives up.
 * @throws TroupeError or CommandError, of one line, when it cannot start; nothing of it runs then.
 */
export async function serve(
  config: GatewayConfig,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  await new Service(config, environment).start();
}

class Service {
  readonly #config: GatewayConfig;
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #log: StartLog = new StartLog(systemClock, (line) => this.#print(line));
  #system: System | null = null;
  #socket: ReplSocket | null = null;
  #prompt: Prompt | null = null;
  #stopped: Promise<void> | null = null;

  constructor(config: GatewayConfig, environment: Readonly<Record<string, string | undefined>>) {
    this.#config = config;
    this.#environment = environment;
  }

  async start(): Promise<void> {
    stopOnSignals(systemClock, (signal) => {
      this.#log.release();
      this.#system?.log("info", "stopping", { signal });
      return this.stop();
    });
    const { threads, cluster, role } = this.#config;
    const system = await createSystem({
      log: lineLog(systemClock, "info", this.#log.add),
      onFailure: (reason) => this.#fail(reason),
      ...(threads === null ? {} : { threads }),
      ...(cluster === null ? {} : { cluster }),
    });
    this.#system = system;
    try {
      const isGateway = role === "gateway";
      const gateway = isGateway ? await startGateway(system, this.#config) : null;
      if (!isGateway) await startServiceNode(system, this.#config);
      await this.#openToOperators(system, gateway);
    } catch (error) {
      // A start that was interrupted is not a failure: whoever stops it ends the process.
      if (this.#stopped !== null) return;
      this.#log.drop();
      await this.stop();
      throw error;
    }
  }

  /** Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#prompt?.close();
    if (this.#system !== null) drainAcceptors(this.#system);
    await this.#system?.stop(this.#config.drainMs + stopMarginMs);
    await this.#socket?.close();
  }

  async #openToOperators(system: System, gateway: Gateway | null): Promise<void> {
    const { replSocket, prompt, healthPort, cluster, port: configured } = this.#config;
    const nodePort = cluster === null ? undefined : selectNodePort(cluster.name, undefined);
    const port = gateway?.port ?? healthPort ?? nodePort ?? configured;
    const usual = selectSocketPath(this.#environment, port);
    const table = gatewayCommands(() => ({ system, config: this.#config }));
    const options: PromptOptions = { table, context: { system } };
    const socket = await ReplSocket.listen(replSocket ?? usual, options);
    this.#socket = socket;
    if (cluster !== null) await waitForJoined(system, cluster.join ?? []);
    const functions = [...system.table<FunConfig>(registryTable).entries()].map(([, one]) => one);
    const text = encodeStartUp({
      ...{ gateway, config: this.#config, functions, threads: system.schedulers.length, port },
      nodes: system.nodes.list(),
      socket: { path: socket.path, usual: socket.path === usual },
    });
    this.#log.release();
    process.stdout.write(`${text}\n`);
    if (prompt && process.stdin.isTTY && process.stdout.isTTY) this.#openPrompt(options);
  }

  #openPrompt(options: PromptOptions): void {
    const { stdin, stdout } = process;
    const prompt = new Prompt({ input: stdin, output: stdout, terminal: true }, options);
    this.#prompt = prompt;
    void prompt.closed.then(async () => {
      this.#prompt = null;
      if (this.#stopped !== null) return;
      stdout.write("stopping\n");
      await this.stop();
      process.exit(0);
    });
  }

  #print(line: string): void {
    if (this.#prompt !== null && process.stderr.isTTY) this.#prompt.printAbove(line);
    else process.stderr.write(`${line}\n`);
  }

  #fail(reason: string): void {
    this.#log.release();
    process.stderr.write(`troupe: ${reason}\n`);
    process.exit(1);
  }
}
