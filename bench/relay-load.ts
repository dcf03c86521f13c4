import type { RelaySide } from "./relay-protocols.ts";
import type { RunUntil } from "./relay-room.ts";
import { ServerProcess } from "./server-process.ts";

/** The process of the clients. */
export class RelayLoad {
  readonly #process: ServerProcess;

  private constructor(process: ServerProcess) {
    this.#process = process;
  }

  static async start(): Promise<RelayLoad> {
    return new RelayLoad(await ServerProcess.start("./relay-load-child.ts"));
  }

  /** Connects members of a group; the first one sends. */
  async connect(side: RelaySide, server: ServerProcess, members: number): Promise<void> {
    await this.#process.call("connect", side, server.port, members);
  }

  /** Keeps `window` messages in flight; resolves with the deliveries, which were complete and in order. */
  async run(side: RelaySide, window: number, until: RunUntil): Promise<number> {
    return (await this.#process.call("run", side, window, until)) as number;
  }

  /** Connects users who are to create groups. */
  async own(server: ServerProcess, name: string, users: number): Promise<void> {
    await this.#process.call("own", server.port, name, users);
  }

  /** Each of the users of that name creates so many groups. */
  async create(name: string, groupsEach: number): Promise<void> {
    await this.#process.call("create", name, groupsEach);
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
