import { type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { type ActorContext, type Clock, toErrorRecord } from "#runtime";
import { isMap } from "../registry/index.ts";
import type { Assigns } from "./assigns.ts";
import { followKeys, readKeys } from "./jwks.ts";
import type { ClaimNames, JwtConfig } from "./jwt-config.ts";

/** The claims of a token whose signature and times are right. */
export type Claims = Readonly<Record<string, unknown>>;

/** What a token is worth. `reason` is for the log: it holds nothing of the token. */
export type TokenOutcome =
  | {
      readonly ok: true;
      readonly claims: Claims;
      /** Milliseconds since 1970, the clock skew included; null: it does not expire. */
      readonly expiresAt: number | null;
    }
  | { readonly ok: false; readonly reason: string };

/** Verifies JSON Web Tokens (RFC 7519), one for an acceptor. */
export class TokenVerifier {
  readonly #config: JwtConfig;
  readonly #clock: Clock;
  readonly #keys: JWTVerifyGetKey | Uint8Array;

  /** @throws TroupeError `load_failed` for a JWKS file that is none. */
  constructor(config: JwtConfig, context: ActorContext) {
    this.#config = config;
    this.#clock = context.clock;
    const { secret, jwksUrl, jwksFile } = config;
    if (jwksUrl !== null) this.#keys = followKeys(jwksUrl, context);
    else if (jwksFile !== null) this.#keys = readKeys(jwksFile);
    else this.#keys = Buffer.from(secret ?? "");
  }

  /** Never rejects; null is a client without a token. */
  async verify(token: string | null): Promise<TokenOutcome> {
    if (token === null || token === "") return { ok: false, reason: "no token" };
    const { algorithms, issuer, audience, clockSkewSeconds } = this.#config;
    const options = {
      algorithms: [...algorithms],
      clockTolerance: clockSkewSeconds,
      // biome-ignore lint/style/noRestrictedGlobals: the library wants the time of the clock as one
      currentDate: new Date(this.#clock.wallTime()),
      ...(issuer === null ? {} : { issuer }),
      ...(audience === null
        ? {}
        : { audience: typeof audience === "string" ? audience : [...audience] }),
    };
    try {
      const keys = this.#keys;
      const { payload } =
        typeof keys === "function"
          ? await jwtVerify(token, keys, options)
          : await jwtVerify(token, keys, options);
      const { exp } = payload;
      const expiresAt = exp === undefined ? null : (exp + clockSkewSeconds) * 1_000;
      return { ok: true, claims: Object.freeze(payload), expiresAt };
    } catch (error) {
      return { ok: false, reason: `token: ${toErrorRecord(error).message}` };
    }
  }

  /** The assigns of a socket whose claims nobody else reads: the claims, and who it is. */
  assigns(claims: Claims): Assigns {
    return selectAssigns(claims, this.#config.claims);
  }
}

/** `user_id`, `user_roles` and `device_id` are those of the named claims, or null. */
export function selectAssigns(claims: Claims, names: ClaimNames): Assigns {
  return {
    ...claims,
    user_id: selectClaim(claims, names.userId),
    user_roles: selectClaim(claims, names.userRoles),
    device_id: selectClaim(claims, names.deviceId),
  };
}

function selectClaim(claims: JWTPayload, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name] ?? null;
  let value: unknown = claims;
  for (const step of name.split(".")) {
    if (!isMap(value) || !Object.hasOwn(value, step)) return null;
    value = value[step];
  }
  return value ?? null;
}
