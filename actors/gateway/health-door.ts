import { createServer, type Server } from "node:http";
import { Actor } from "#runtime";
import { listenShared } from "../channel/index.ts";
import { registryName } from "../registry/index.ts";
import { servicesName } from "../service/index.ts";
import { answerHttp } from "./http.ts";
import { troupeVersion } from "./version.ts";

/** The registered name of the {@link HealthDoor}. */
export const healthDoorName = "health";

/** Answers /health and /ready on a service node, for whoever watches over its process. */
export class HealthDoor extends Actor {
  static override readonly source: string = import.meta.url;
  readonly #host: string;
  readonly #port: number;
  #server: Server | null = null;

  constructor(host: string, port: number) {
    super();
    this.#host = host;
    this.#port = port;
  }

  protected override async init(): Promise<void> {
    const isThere = (name: string): boolean => this.context.whereis(name) !== undefined;
    const home = {
      ...{ name: this.context.nodes.self?.name ?? "service", version: troupeVersion },
      ...{ channels: [], functions: [], demo: false },
    };
    const server = createServer((request, response) => {
      // There is nothing else to see here: services have no clients of their own.
      if (!/^\/(health|ready)(\?|$)/.test(request.url ?? "")) request.url = "/none";
      const ready = isThere(registryName) && isThere(servicesName);
      answerHttp(request, response, { ready, home: () => home });
    });
    this.#server = server;
    // Shared, with a predecessor that was killed and could not close its own.
    if (!(await listenShared(server, this.#host, this.#port))) {
      this.context.log("warn", "no health page", { why: "the platform cannot share a port" });
    }
  }

  protected override terminate(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }
}
