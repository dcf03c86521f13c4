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
  type GroupChannelOptions,
} from "./channel-config.ts";
export type { ConnectHandler, ConnectRequest } from "./connect.ts";
export { offerConnectionMemory } from "./connection-memory.ts";
export type { GroupChannel, GroupDesk, GroupSessions } from "./group-channel.ts";
export {
  type ClaimNames,
  defaultClaimNames,
  type JwtConfig,
  publicKeyAlgorithms,
  secretAlgorithms,
} from "./jwt-config.ts";
export { claimPort, listenShared } from "./listener.ts";
export { Framed, frameMessages } from "./message-framing.ts";
export { isOriginPattern } from "./origin.ts";
export { Outbox } from "./outbox.ts";
export { selectGroupId } from "./topic.ts";
export { websocketPath } from "./upgrade.ts";
