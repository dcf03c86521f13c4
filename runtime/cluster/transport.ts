/**
 * The port to the network: what the cluster needs of a connection, and nothing of how bytes travel.
 * TCP with or without TLS is one way (tcp-transport.ts), a simulated network another.
 */

/** What an owner of a connection is told. */
export interface ConnectionHandler {
  /** Bytes that arrived, in order; the handler may keep them. */
  data(bytes: Uint8Array): void;
  /** All that was written is with the kernel, after some of it had to wait. */
  drained(): void;
  /** The connection is over; said once, and always: also of one that never came about. */
  closed(reason: string): void;
}

/** A stream of bytes to another node. Nothing of it throws: what fails ends as `closed(reason)`. */
export interface Connection {
  /** `host:port` of the other side, for logs. */
  readonly peer: string;
  /** Bytes written that are not yet with the kernel. */
  readonly bufferedBytes: number;
  /**
   * Replaces the handler: the handshake's first, then the channel's. What arrives before the first
   * handler waits for it. A handler that is set when the connection is over is told so in a
   * microtask, as every handler before it was.
   */
  handle(handler: ConnectionHandler): void;
  /**
   * Writes the chunks in order, with one system call where it can. The chunks must not be changed
   * afterwards. What is written to a connection that is over goes nowhere.
   */
  write(chunks: readonly Uint8Array[]): void;
  /**
   * Ends after what was written is sent; nothing may be written afterwards. It is `closed` when the
   * other side has ended too: who cannot wait for that calls `destroy` later.
   */
  end(): void;
  /** Ends at once; what is still buffered is lost. */
  destroy(): void;
}

/** A port that accepts connections. */
export interface Listener {
  /** The port listened on, also where 0 was asked for. */
  readonly port: number;
  /** Accepts no more. Connections that were accepted live on. */
  close(): Promise<void>;
}

/** Where a node listens. */
export interface ListenPlace {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** Whether other threads of this process listen on the same port. */
  readonly shared: boolean;
}

/** Makes connections. */
export interface Transport {
  /** Connects in the background: writes wait; a failure is `closed(reason)`. */
  dial(host: string, port: number): Connection;
  /**
   * Listens; every accepted connection is handed over before any of its bytes.
   * @throws TroupeError `port_taken`, `cannot_listen`, and `cannot_share_port` where the platform
   * lets one socket alone listen.
   */
  listen(place: ListenPlace, onConnection: (connection: Connection) => void): Promise<Listener>;
}
