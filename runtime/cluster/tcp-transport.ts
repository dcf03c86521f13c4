/** Connections over TCP, or over TLS on TCP: then with a certificate on each side. */

import { createServer, connect as dialTcp, type Socket } from "node:net";
import { createServer as createTlsServer, connect as dialTls } from "node:tls";
import { toErrorRecord } from "../core/index.ts";
import type { ClusterTls } from "./cluster-config.ts";
import { explainError, peerEnded } from "./connection-reason.ts";
import { formatHostPort } from "./node-name.ts";
import { listenOn } from "./port.ts";
import { TcpConnection } from "./tcp-connection.ts";
import { readTlsSettings, type TlsSettings } from "./tls-settings.ts";
import type { Connection, Transport } from "./transport.ts";

/**
 * The transport of real clusters. With `tls`, both sides present a certificate that the CA has
 * signed, and that of the side dialled must be for the host of its name.
 * @throws RangeError for certificates that cannot be read.
 */
export function tcpTransport(tls: ClusterTls | null): Transport {
  const settings = tls === null ? null : readTlsSettings(tls);
  return {
    dial: settings === null ? dialPlain : (host, port) => dialSecure(host, port, settings),
    async listen({ host, port, shared }, onConnection) {
      const server = createServer({ noDelay: true }, (socket) => {
        onConnection(settings === null ? acceptPlain(socket) : acceptSecure(socket, settings));
      });
      const listened = await listenOn(server, { host, port, reusePort: shared, exclusive: true });
      // One connection that could not be accepted, for want of descriptors say, is that one's end.
      server.on("error", () => {});
      return {
        port: listened,
        // The server's own end waits for its connections, which live on.
        close: async () => void server.close(),
      };
    },
  };
}

function dialPlain(host: string, port: number): Connection {
  const socket = dialTcp({ host, port, noDelay: true });
  const silentEnd = `${peerEnded} without a word: it may expect TLS`;
  const connection = new TcpConnection(formatHostPort(host, port), socket, silentEnd);
  connection.carry(socket);
  return connection;
}

function dialSecure(host: string, port: number, settings: TlsSettings): Connection {
  const socket = dialTls({ host, port, ...settings });
  const silentEnd = `${peerEnded} without a word: it may not trust the certificate of this node`;
  const connection = new TcpConnection(formatHostPort(host, port), socket, silentEnd);
  socket.once("secureConnect", () => {
    socket.setNoDelay(true);
    connection.carry(socket);
  });
  return connection;
}

function acceptPlain(socket: Socket): Connection {
  const connection = new TcpConnection(peerOf(socket), socket);
  connection.carry(socket);
  return connection;
}

/**
 * The connection is there before it is secure, so that whoever accepts it has it under a deadline.
 * Each has a server of its own, which alone can tell of which connection an error is.
 */
function acceptSecure(socket: Socket, settings: TlsSettings): Connection {
  const connection = new TcpConnection(peerOf(socket), socket);
  const server = createTlsServer(settings, (secure) => connection.carry(secure));
  server.once("tlsClientError", (error, refused) => {
    const hasGone = toErrorRecord(error).code === "ECONNRESET" && !refused.authorizationError;
    const gone = `${peerEnded} before TLS stood: it may not trust the certificate of this node`;
    connection.fail(hasGone ? gone : explainError(error, refused));
  });
  server.emit("connection", socket);
  return connection;
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return formatHostPort(remoteAddress ?? "unknown", remotePort ?? 0);
}
