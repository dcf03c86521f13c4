/** Algorithms (RFC 7518, RFC 8037) whose one secret both signs and verifies. */
export const secretAlgorithms: readonly string[] = ["HS256", "HS384", "HS512"];

/** Algorithms whose public keys verify; they come as a JWKS. */
export const publicKeyAlgorithms: readonly string[] = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** The claims that say who connects. A name with dots that is no claim itself leads into objects. */
export interface ClaimNames {
  readonly userId: string;
  readonly userRoles: string;
  readonly deviceId: string;
}

/** Where they are unless the configuration says otherwise. */
export const defaultClaimNames: ClaimNames = Object.freeze({
  userId: "sub",
  userRoles: "roles",
  deviceId: "device_id",
});

/** How tokens are verified. Exactly one of the three sources of keys is not null. */
export interface JwtConfig {
  readonly secret: string | null;
  /** Keys are fetched when they are first needed, for an unknown key, and every ten minutes. */
  readonly jwksUrl: string | null;
  /** Path of a JWKS; read when an acceptor starts. */
  readonly jwksFile: string | null;
  /** The only ones that are taken, whatever a token says of itself. */
  readonly algorithms: readonly string[];
  /** Null: any, or none. */
  readonly issuer: string | null;
  /** Null: any, or none. */
  readonly audience: string | readonly string[] | null;
  /** By how much clocks may differ. */
  readonly clockSkewSeconds: number;
  readonly claims: ClaimNames;
}
