export {
  type AcceptorStatistics,
  acceptorPrefix,
  ChannelAcceptor,
} from "./acceptor.ts";
export {
  type AcceptorConfig,
  acceptorDefaults,
  type ChannelConfig,
  channelDefaults,
} from "./channel-config.ts";
export type { ConnectHandler, ConnectRequest } from "./connect.ts";
export { offerConnectionMemory } from "./connection-memory.ts";
export {
  type ClaimNames,
  defaultClaimNames,
  type JwtConfig,
  publicKeyAlgorithms,
  secretAlgorithms,
} from "./jwt-config.ts";
export { claimPort, listenShared } from "./listener.ts";
export { isOriginPattern } from "./origin.ts";
export { websocketPath } from "./upgrade.ts";
