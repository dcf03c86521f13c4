export {
  type AcceptorStatistics,
  acceptorPrefix,
  ChannelAcceptor,
} from "./acceptor.ts";
export { type AcceptorConfig, type ChannelConfig, channelDefaults } from "./channel-config.ts";
export type { ConnectHandler, ConnectRequest } from "./connect.ts";
export { claimPort } from "./listener.ts";
export { websocketPath } from "./upgrade.ts";
