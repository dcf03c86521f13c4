export { Cluster } from "./cluster.ts";
export {
  type ClusterConfig,
  type ClusterOptions,
  type ClusterTls,
  parseClusterOptions,
  parseRole,
} from "./cluster-config.ts";
export { clusterId } from "./cluster-face.ts";
export { ClusterThread } from "./cluster-thread.ts";
export { discoveriesOf } from "./discovery.ts";
export * from "./frame.ts";
export { acceptSession, handshakeTimeoutMs, openSession, type Session } from "./greeting.ts";
export type { Credentials } from "./handshake.ts";
export { handshakeCodes, type PeerIdentity } from "./handshake-messages.ts";
export {
  type ChannelOptions,
  NodeChannel,
} from "./node-channel.ts";
export { type NodeEnvelope, nodeKind } from "./node-envelope.ts";
export {
  formatNodeName,
  isLoopback,
  isNodeName,
  parseHostPort,
  parseNodeName,
} from "./node-name.ts";
export { claimPort, listenOn } from "./port.ts";
export { isAllowedModule } from "./spawn-policy.ts";
export { tcpTransport } from "./tcp-transport.ts";
export type {
  Connection,
  ConnectionHandler,
  Listener,
  ListenPlace,
  Transport,
} from "./transport.ts";
