import type { Connection, ConnectionHandler } from "../../../runtime/cluster/index.ts";

/** What a connection told of, and ways to wait for more. */
export class ConnectionRecord implements ConnectionHandler {
  readonly connection: Connection;
  readonly pieces: Uint8Array[] = [];
  readonly reasons: string[] = [];
  drains = 0;
  #bytes = 0;
  readonly #looks = new Set<() => void>();

  constructor(connection: Connection) {
    this.connection = connection;
    connection.handle(this);
  }

  data(bytes: Uint8Array): void {
    this.pieces.push(bytes);
    this.#bytes += bytes.length;
    this.#look();
  }

  drained(): void {
    this.drains += 1;
    this.#look();
  }

  closed(reason: string): void {
    this.reasons.push(reason);
    this.#look();
  }

  /** All bytes so far. */
  get all(): Buffer {
    return Buffer.concat(this.pieces);
  }

  /** Resolves when so many bytes have come; the text of all. */
  async bytes(count: number): Promise<string> {
    await this.when(() => this.#bytes >= count);
    return this.all.toString("latin1");
  }

  /** Resolves with the reason when it is over. */
  async end(): Promise<string> {
    await this.when(() => this.reasons.length > 0);
    return this.reasons[0] ?? "";
  }

  /** Resolves as soon as `isSo`; looked at whenever something is told. */
  when(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#looks.delete(look);
        resolve();
      };
      this.#looks.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }
}
