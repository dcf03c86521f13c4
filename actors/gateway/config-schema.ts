import Type, { type TSchema } from "typebox";
import type { ChannelConfig, GroupChannelOptions } from "../channel/index.ts";
import type { PullOptions } from "../exchange/index.ts";
import { type AdminAction, adminActions } from "./admin-gate.ts";
import { type AuthFile, authSchema, type SecretFile, secretSchema } from "./config-auth.ts";
import { addressSchema, type ClusterFile, clusterSchema, joinSchema } from "./config-cluster.ts";
import { listOf, oneOf, text, whole, yesOrNo } from "./config-nodes.ts";
import type { BreakerFile, PoolsFile, RateLimitsFile } from "./config-pipeline.ts";
import type { RelayFile } from "./config-relay.ts";

/** What a node is for. */
export type Role = "gateway" | "service";

/** A channel of the file: what it leaves out is as the README says. */
export interface ChannelFile extends Partial<Omit<ChannelConfig, "topic" | "group">> {
  readonly topic: ChannelConfig["topic"];
  /** Joining joins the group named behind the topic's first colon; `true`: if there is one. */
  readonly group?: true | Partial<GroupChannelOptions>;
}

/**
 * What a `troupe.config.ts` exports as default. Paths are meant from the folder of the file; the
 * defaults stand in the README.
 *
 * ```ts
 * import type { ConfigFile } from "#actors";
 * export default { port: 4000, services: ["./users.ts"] } satisfies ConfigFile;
 * ```
 */
export interface ConfigFile {
  /** 0 takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** With an address, `users@10.0.0.7:9101`, it is a node of a cluster. */
  readonly name?: string;
  /** Default `gateway`; `service`: no port for clients, its functions serve the cluster. */
  readonly role?: Role;
  /** Where other nodes connect, `HOST:PORT`; default: the address of the name. */
  readonly listen?: string;
  /** Nodes to join, `gateway@10.0.0.1:9100`, `dns:HOST:PORT` or `dns+srv:NAME`. */
  readonly join?: readonly string[];
  readonly cluster?: ClusterFile;
  /** How a gateway asks service nodes for their functions. */
  readonly pull?: PullOptions;
  /** Service modules, by path or URL. */
  readonly services?: readonly string[];
  /** Scheduler threads. */
  readonly threads?: number;
  /** The operators' Unix socket. */
  readonly socket?: string;
  readonly noRepl?: boolean;
  readonly demo?: boolean;
  readonly channels?: readonly ChannelFile[];
  /** The function that admits sockets; it is called `connect` unless `function` says otherwise. */
  readonly connect?: { readonly module: string; readonly function?: string };
  /** Tells clients the details of unexpected errors. */
  readonly detailError?: boolean;
  readonly maxFrameBytes?: number;
  readonly idleTimeoutMs?: number;
  /** Channels that one socket may have joined. */
  readonly maxChannels?: number;
  /** How long requests in flight may take to end when the gateway stops. */
  readonly drainMs?: number;
  /** Pages that may connect from a browser, `"*"` for all; without it those of the same host. */
  readonly allowedOrigins?: readonly string[] | "*";
  /** Sockets of the node; null: no bound. */
  readonly maxConnections?: number | null;
  /** Sockets of one address; null: no bound. */
  readonly maxConnectionsPerIp?: number | null;
  /** Frames that one socket may send; null: no bound. */
  readonly maxFramesPerSecond?: number | null;
  /** Who connects is what a token says. */
  readonly auth?: AuthFile;
  readonly rateLimits?: RateLimitsFile;
  readonly breaker?: BreakerFile;
  readonly pools?: PoolsFile;
  /** Relay groups; `true`: with all defaults. */
  readonly relay?: boolean | RelayFile;
  /** `relay.storage.path`; it switches relay groups on. */
  readonly relayStorage?: string;
  /** Folders and files of the modules that functions may name as hooks and the like. */
  readonly allowModules?: readonly string[];
  /** JSON files of functions. */
  readonly functions?: readonly string[];
  /** What administrators may do over a channel. */
  readonly adminActions?: readonly AdminAction[];
  /** What whoever pushes functions has to know. */
  readonly pushToken?: SecretFile;
  /** Modules that listen to telemetry; imported on each thread. */
  readonly telemetry?: readonly string[];
}

const groupSchema = oneOf(
  "true, or { create?: public, private, strict_private or null, durable?: true or false }",
  Type.Literal(true),
  Type.Object(
    {
      create: Type.Optional(
        Type.Unsafe<GroupChannelOptions["create"]>({
          enum: ["public", "private", "strict_private", null],
        }),
      ),
      durable: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: false },
  ),
);

const channelSchema = Type.Object(
  {
    topic: Type.String({
      pattern: "^([^*]+\\*?|\\*)$",
      description: 'a topic such as "api:lobby", or a beginning of topics such as "api:*"',
    }),
    event: Type.Optional(text("the name of an event")),
    requireVerifiedUserId: Type.Optional(yesOrNo),
    overrideUserId: Type.Optional(yesOrNo),
    ordered: Type.Optional(yesOrNo),
    maxInFlight: Type.Optional(whole(1, 100_000)),
    group: Type.Optional(groupSchema),
  },
  { additionalProperties: false, description: "a channel: { topic, event?, … }" },
);

const connectSchema = Type.Object(
  {
    module: text("the path of a module"),
    function: Type.Optional(text("the name of an export")),
  },
  { additionalProperties: false, description: "{ module, function? }" },
);

/** A bound that can be taken away. */
const bound = (maximum: number): TSchema =>
  oneOf(`a whole number from 1 to ${maximum}, or null`, whole(1, maximum), Type.Null());

const literal = (value: string): TSchema => Type.Literal(value);

const fileSchema = Type.Object(
  {
    port: Type.Optional(whole(0, 65_535)),
    host: Type.Optional(text("a host name or address")),
    name: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9._-]{1,64}(@.+)?$",
        description: "1 to 64 letters, digits, dots, dashes or underscores",
      }),
    ),
    role: Type.Optional(
      oneOf("gateway or service", Type.Literal("gateway"), Type.Literal("service")),
    ),
    listen: Type.Optional(addressSchema),
    join: Type.Optional(joinSchema),
    cluster: Type.Optional(clusterSchema),
    pull: Type.Optional(
      Type.Object(
        {
          enabled: Type.Optional(yesOrNo),
          intervalMs: Type.Optional(whole(1_000, 86_400_000, "ms")),
          timeoutMs: Type.Optional(whole(100, 300_000, "ms")),
          nodes: Type.Optional(
            oneOf(
              "a list of nodes, or { role }",
              listOf(text("the name of a node")),
              Type.Object({ role: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
            ),
          ),
        },
        {
          additionalProperties: false,
          description: "{ enabled?, intervalMs?, timeoutMs?, nodes? }",
        },
      ),
    ),
    services: Type.Optional(
      listOf(text("the path of a service module"), "a list of paths of service modules"),
    ),
    threads: Type.Optional(whole(1, 256)),
    socket: Type.Optional(text("the path of a Unix socket")),
    noRepl: Type.Optional(yesOrNo),
    demo: Type.Optional(yesOrNo),
    channels: Type.Optional(
      Type.Array(channelSchema, { minItems: 1, description: "a list of at least one channel" }),
    ),
    connect: Type.Optional(connectSchema),
    detailError: Type.Optional(yesOrNo),
    maxFrameBytes: Type.Optional(whole(1_024, 1_073_741_824, "bytes")),
    idleTimeoutMs: Type.Optional(whole(1_000, 86_400_000, "ms")),
    maxChannels: Type.Optional(whole(1, 100_000)),
    drainMs: Type.Optional(whole(0, 600_000, "ms")),
    allowedOrigins: Type.Optional(
      oneOf('"*" or a list of origins', Type.Literal("*"), listOf(text("an origin"))),
    ),
    maxConnections: Type.Optional(bound(10_000_000)),
    maxConnectionsPerIp: Type.Optional(bound(10_000_000)),
    maxFramesPerSecond: Type.Optional(bound(1_000_000)),
    auth: Type.Optional(authSchema),
    // The parts that they are for read these.
    rateLimits: Type.Optional(Type.Unsafe<RateLimitsFile>({ description: "rate limits" })),
    breaker: Type.Optional(Type.Unsafe<BreakerFile>({ description: "breaker settings" })),
    pools: Type.Optional(Type.Unsafe<PoolsFile>({ description: "pool settings" })),
    relayStorage: Type.Optional(text("the path of a file")),
    relay: Type.Optional(Type.Unsafe<RelayFile>({ description: "relay settings" })),
    allowModules: Type.Optional(listOf(text("the path of a folder or module"))),
    functions: Type.Optional(listOf(text("the path of a JSON file"))),
    adminActions: Type.Optional(
      listOf(oneOf(`one of ${adminActions.join(", ")}`, ...adminActions.map(literal))),
    ),
    pushToken: Type.Optional(secretSchema),
    telemetry: Type.Optional(listOf(text("the path of a module"))),
  },
  { additionalProperties: false, description: "an object" },
);

/** The schema of a {@link ConfigFile}; `properties` has that of each key. */
export const configFileSchema: TSchema & {
  readonly properties: Readonly<Record<keyof ConfigFile, TSchema>>;
} = fileSchema;
