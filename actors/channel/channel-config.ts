import type { JwtConfig } from "./jwt-config.ts";
import type { AllowedOrigins } from "./origin.ts";

/** What joining a channel means where it joins a group too. */
export interface GroupChannelOptions {
  /**
   * The kind of the group that the first one to join creates, unless the join's payload names a
   * `type`; null: only groups that exist can be joined.
   */
  readonly create: "public" | "private" | "strict_private" | null;
  /** Whether what is created is durable. */
  readonly durable: boolean;
}

/** A channel as the configuration declares it: which topics it serves, and how. */
export interface ChannelConfig {
  /** An exact topic, or a prefix followed by `*`. */
  readonly topic: string;
  /** The event whose pushes are calls; Responses are pushed on the same one. */
  readonly event: string;
  /** Refuses every call of a socket without a user. */
  readonly requireVerifiedUserId: boolean;
  /** Takes the user from the socket alone, whatever the payload says. */
  readonly overrideUserId: boolean;
  /** Runs the requests of a session one at a time, in order. */
  readonly ordered: boolean;
  /** Requests of a session that may be in progress; past it the socket is no longer read. */
  readonly maxInFlight: number;
  /** Joining joins the group named behind the topic's first colon; null: the channel is no group's. */
  readonly group: GroupChannelOptions | null;
}

/** What a channel is where its declaration does not say. */
export const channelDefaults: Omit<ChannelConfig, "topic"> = Object.freeze({
  event: "phoenix_gen_api",
  requireVerifiedUserId: true,
  overrideUserId: true,
  ordered: false,
  maxInFlight: 64,
  group: null,
});

/** How the sockets of a thread are to be; plain data, so that it crosses threads. */
export interface AcceptorConfig {
  readonly host: string;
  /** The one for all acceptors, that `claimPort` has found free. */
  readonly port: number;
  readonly channels: readonly ChannelConfig[];
  /** The function that admits sockets; null admits everybody, anonymously. */
  readonly connect: { readonly module: string; readonly function: string } | null;
  /** A longer message closes its socket with 1009. */
  readonly maxFrameBytes: number;
  /** A socket without a frame for so long is closed with 1000. */
  readonly idleTimeoutMs: number;
  /** Channels that one socket may have joined. */
  readonly maxChannels: number;
  /** What requests in progress get when the acceptor stops. */
  readonly drainMs: number;
  /** Which pages may connect. */
  readonly allowedOrigins: AllowedOrigins;
  /** Sockets on all threads of the node; null: no bound. */
  readonly maxConnections: number | null;
  /** Of one address, or of one IPv6 network (/64); null: no bound. */
  readonly maxConnectionsPerIp: number | null;
  /** Whether `maxConnectionsPerIp` holds for clients of this machine too. */
  readonly limitLoopback: boolean;
  /** The offer of the memory in which all acceptors count; null: this one counts for itself. */
  readonly connectionMemory: string | null;
  /** A socket that sends more is closed with 1008; null: no bound. */
  readonly maxFramesPerSecond: number | null;
  /** With `jwt` a socket needs a token; it is closed with 1008 when that expires. */
  readonly auth: { readonly jwt: JwtConfig | null };
}

/** An acceptor where the configuration does not say. */
export const acceptorDefaults: Omit<AcceptorConfig, "host" | "port" | "channels"> = Object.freeze({
  connect: null,
  maxFrameBytes: 1_048_576,
  idleTimeoutMs: 60_000,
  maxChannels: 100,
  drainMs: 15_000,
  allowedOrigins: null,
  maxConnections: 100_000,
  maxConnectionsPerIp: 10_000,
  limitLoopback: false,
  connectionMemory: null,
  // A socket that calls is held back by maxInFlight; load that is let through is no attack.
  maxFramesPerSecond: null,
  auth: Object.freeze({ jwt: null }),
});
