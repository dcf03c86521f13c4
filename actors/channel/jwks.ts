import { readFileSync } from "node:fs";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  type JWTVerifyGetKey,
  type RemoteJWKSet,
} from "jose";
import { type ActorContext, type Clock, type Log, TroupeError, toErrorRecord } from "#runtime";

/** Time that one fetch may take. */
const fetchTimeoutMs = 5_000;
/** After a fetch, successful or not, there is none for so long: who sends unknown keys is no cause. */
const fetchPauseMs = 5_000;
/** How often keys are fetched anew, so that those that were withdrawn do not stay. */
const refreshMs = 600_000;

/**
 * The public keys of a JWKS file.
 * @throws TroupeError `load_failed` that names the file, when it is none.
 */
export function readKeys(path: string): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const { message } = toErrorRecord(error);
    throw new TroupeError("load_failed", `auth.jwt.jwksFile: ${path}: ${message}`, error);
  }
}

/**
 * The public keys that a server publishes, for as long as the actor lives. Keys that are there stay
 * while the server cannot be reached; each failed fetch is logged.
 */
export function followKeys(url: string, context: ActorContext): JWTVerifyGetKey {
  const keys = remoteKeys(url, context.clock, context.log);
  context.every(refreshMs, () => {
    if (keys.jwks() === undefined) return;
    // Not awaited, the acceptor has other things to do; the failure has been logged.
    void keys.reload().catch(() => {});
  });
  return keys;
}

function remoteKeys(url: string, clock: Clock, log: Log): RemoteJWKSet {
  let mayFetchAt = Number.NEGATIVE_INFINITY;
  return createRemoteJWKSet(new URL(url), {
    timeoutDuration: fetchTimeoutMs,
    // Both are decided here, by the actor's clock.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: 0,
    async [customFetch](address, options) {
      const now = clock.now();
      if (now < mayFetchAt) throw new Error("the JWKS was fetched a moment ago, or could not be");
      mayFetchAt = now + fetchPauseMs;
      try {
        const response = await fetch(address, options);
        if (response.status === 200) return response;
        throw new Error(`status ${response.status}`);
      } catch (error) {
        const { message, cause } = toErrorRecord(error);
        log("error", "JWKS cannot be fetched", { url, error: cause?.message ?? message });
        throw error;
      }
    },
  });
}
