import Type, { type TSchema } from "typebox";
import { Errors } from "typebox/value";
import type { ChannelConfig } from "../channel/index.ts";
import { printReceived } from "../registry/index.ts";

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
  readonly name?: string;
  /** Service modules, by path or URL. */
  readonly services?: readonly string[];
  /** Scheduler threads. */
  readonly threads?: number;
  /** The operators' Unix socket. */
  readonly socket?: string;
  readonly noRepl?: boolean;
  readonly demo?: boolean;
  readonly channels?: readonly (Pick<ChannelConfig, "topic"> & Partial<ChannelConfig>)[];
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
}

// `description` is what a message says was expected: every node has one.

function whole(minimum: number, maximum: number, unit = ""): ReturnType<typeof Type.Integer> {
  const of = unit === "" ? "" : ` of ${unit}`;
  const description = `a whole number${of} from ${minimum} to ${maximum}`;
  return Type.Integer({ minimum, maximum, description });
}

const text = (description: string): ReturnType<typeof Type.String> =>
  Type.String({ minLength: 1, description });
const yesOrNo = Type.Boolean({ description: "true or false" });

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

const fileSchema = Type.Object(
  {
    port: Type.Optional(whole(0, 65_535)),
    host: Type.Optional(text("a host name or address")),
    name: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9._-]{1,64}$",
        description: "1 to 64 letters, digits, dots, dashes or underscores",
      }),
    ),
    services: Type.Optional(
      Type.Array(text("the path of a service module"), {
        description: "a list of paths of service modules",
      }),
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
  },
  { additionalProperties: false, description: "an object" },
);

/** The schema of a {@link ConfigFile}; `properties` has that of each key. */
export const configFileSchema: TSchema & {
  readonly properties: Readonly<Record<keyof ConfigFile, TSchema>>;
} = fileSchema;

/**
 * What is wrong with a value that is to be of `schema`, as `channels[0].event: expected …, received
 * …`; null when nothing is. `name` is what the value itself is called.
 */
export function decideConfigFault(schema: TSchema, value: unknown, name: string): string | null {
  const all = [...Errors(schema, value)];
  const error = all.find(({ keyword }) => keyword !== "boolean") ?? all[0];
  if (error === undefined) return null;
  const path = error.instancePath.split("/").slice(1);
  if (error.keyword === "additionalProperties") {
    const key = error.params.additionalProperties[0] ?? "";
    const keys = Object.keys(propertiesOf(walk(schema, value, path).schema));
    const where = label(name, path);
    return `${where === "" ? "" : `${where}: `}unknown key ${printReceived(key)}: expected one of ${keys.join(", ")}`;
  }
  if (error.keyword === "required") path.push(error.params.requiredProperties[0] ?? "");
  const node = walk(schema, value, path);
  const at = label(name, path);
  const received = node.value === undefined ? "nothing" : printReceived(node.value);
  return `${at === "" ? "" : `${at}: `}expected ${describe(node.schema)}, received ${received}`;
}

interface Node {
  readonly schema: TSchema;
  readonly value: unknown;
}

function walk(schema: TSchema, value: unknown, path: readonly string[]): Node {
  let node: Node = { schema, value };
  for (const key of path) {
    const { items } = node.schema as { items?: TSchema };
    const next = items ?? propertiesOf(node.schema)[key];
    if (next === undefined) break;
    node = { schema: next, value: (node.value as Record<string, unknown> | undefined)?.[key] };
  }
  return node;
}

function propertiesOf(schema: TSchema): Readonly<Record<string, TSchema>> {
  return (schema as { properties?: Record<string, TSchema> }).properties ?? {};
}

function describe(schema: TSchema): string {
  return (schema as { description?: string }).description ?? "something else";
}

function label(name: string, path: readonly string[]): string {
  const steps = path.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join("");
  return name === "" ? steps.replace(/^\./, "") : name + steps;
}
