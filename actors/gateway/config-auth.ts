/** What a configuration says of tokens and secrets. */

import Type, { type TSchema } from "typebox";
import {
  type ClaimNames,
  defaultClaimNames,
  type JwtConfig,
  publicKeyAlgorithms,
  secretAlgorithms,
} from "../channel/index.ts";
import { ConfigError } from "./config-error.ts";
import { secretly } from "./config-fault.ts";
import { oneOf, text, whole } from "./config-nodes.ts";
import { type ConfigPlace, filePath } from "./config-paths.ts";

/** A secret, or the environment variable that holds it. */
export type SecretFile = string | { readonly env: string };

/** `auth` of a configuration. */
export interface AuthFile {
  readonly jwt?: {
    /** One of `secret`, `jwksUrl` and `jwksFile`. */
    readonly secret?: SecretFile;
    readonly jwksUrl?: string;
    readonly jwksFile?: string;
    /** Those that are taken: HS… with a secret, RS…, PS…, ES…, EdDSA with a JWKS. */
    readonly algorithms: readonly string[];
    readonly issuer?: string;
    readonly audience?: string | readonly string[];
    /** Default 5. */
    readonly clockSkewSeconds?: number;
    /** Which claims say who connects; default `sub`, `roles`, `device_id`. */
    readonly claims?: Partial<ClaimNames>;
  };
}

/** The schema of {@link SecretFile}. */
export const secretSchema: TSchema = Type.Union(
  [
    Type.String({ minLength: 1 }),
    Type.Object({ env: Type.String({ minLength: 1 }) }, { additionalProperties: false }),
  ],
  { description: "a string, or { env } with the name of a variable", ...secretly },
);

const claimsSchema = Type.Object(
  {
    userId: Type.Optional(text("the name of a claim")),
    userRoles: Type.Optional(text("the name of a claim")),
    deviceId: Type.Optional(text("the name of a claim")),
  },
  { additionalProperties: false, description: "{ userId?, userRoles?, deviceId? }" },
);

/** The schema of {@link AuthFile}. */
export const authSchema: TSchema = Type.Object(
  {
    jwt: Type.Optional(
      Type.Object(
        {
          secret: Type.Optional(secretSchema),
          jwksUrl: Type.Optional(text("the URL of a JWKS")),
          jwksFile: Type.Optional(text("the path of a JWKS")),
          algorithms: Type.Array(text("an algorithm"), {
            minItems: 1,
            description: "a list of at least one algorithm",
          }),
          issuer: Type.Optional(text("an issuer")),
          audience: Type.Optional(
            oneOf("an audience, or a list of them", Type.String({ minLength: 1 }), audiences()),
          ),
          clockSkewSeconds: Type.Optional(whole(0, 600)),
          claims: Type.Optional(claimsSchema),
        },
        {
          additionalProperties: false,
          description: "{ algorithms, secret | jwksUrl | jwksFile, … }",
        },
      ),
    ),
  },
  { additionalProperties: false, description: "{ jwt? }" },
);

function audiences(): TSchema {
  return Type.Array(text("an audience"), { minItems: 1 });
}

/** Bytes that a secret must have (RFC 7518, section 3.2). */
const secretBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

/**
 * The `auth` of a gateway; secrets are taken from the environment where it says so.
 * @throws ConfigError that names the key; a secret is never in it.
 */
export function readAuth(
  { jwt }: AuthFile,
  place: ConfigPlace,
): { readonly jwt: JwtConfig | null } {
  if (jwt === undefined) return { jwt: null };
  const where = `${place.path}: auth.jwt`;
  const { algorithms, issuer, audience, clockSkewSeconds, claims } = jwt;
  const sources = (["secret", "jwksUrl", "jwksFile"] as const).filter((key) => key in jwt);
  if (sources.length !== 1) {
    const received = sources.length === 0 ? "none" : sources.join(" and ");
    const expected = "one of secret, jwksUrl, jwksFile";
    throw new ConfigError(`${where}: expected ${expected}, received ${received}`);
  }
  const taken = jwt.secret === undefined ? publicKeyAlgorithms : secretAlgorithms;
  const unfit = algorithms.find((algorithm) => !taken.includes(algorithm));
  if (unfit !== undefined) {
    const expected = `with ${sources[0]} only ${taken.join(", ")}`;
    const received = JSON.stringify(unfit);
    throw new ConfigError(`${where}.algorithms: expected ${expected}, received ${received}`);
  }
  return {
    jwt: {
      secret: jwt.secret === undefined ? null : readJwtSecret(jwt.secret, algorithms, place),
      jwksUrl: jwt.jwksUrl === undefined ? null : readJwksUrl(jwt.jwksUrl, where),
      jwksFile:
        jwt.jwksFile === undefined
          ? null
          : filePath(jwt.jwksFile, place.folder, `${where}.jwksFile`, "a JWKS"),
      algorithms,
      issuer: issuer ?? null,
      audience: audience ?? null,
      clockSkewSeconds: clockSkewSeconds ?? 5,
      claims: { ...defaultClaimNames, ...claims },
    },
  };
}

/**
 * A secret itself.
 * @throws ConfigError for a variable that is not set; `name` is what the secret is called.
 */
export function readSecret(secret: SecretFile, name: string, place: ConfigPlace): string {
  if (typeof secret === "string") return secret;
  const value = place.environment[secret.env] ?? "";
  if (value !== "") return value;
  const expected = `the variable ${secret.env} to hold it`;
  throw new ConfigError(`${place.path}: ${name}: expected ${expected}, received nothing`);
}

function readJwtSecret(
  secret: SecretFile,
  algorithms: readonly string[],
  place: ConfigPlace,
): string {
  const name = "auth.jwt.secret";
  const value = readSecret(secret, name, place);
  const least = Math.max(...algorithms.map((algorithm) => secretBytes[algorithm] ?? 0));
  const bytes = Buffer.byteLength(value);
  if (bytes >= least) return value;
  const expected = `at least ${least} bytes for ${algorithms.join(", ")}`;
  throw new ConfigError(`${place.path}: ${name}: expected ${expected}, received ${bytes}`);
}

function readJwksUrl(url: string, where: string): string {
  const protocol = URL.parse(url)?.protocol;
  if (protocol === "https:" || protocol === "http:") return url;
  const expected = "a URL that begins with https:// or http://";
  throw new ConfigError(`${where}.jwksUrl: expected ${expected}, received ${JSON.stringify(url)}`);
}
