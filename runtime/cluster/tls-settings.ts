import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { toErrorRecord } from "../core/index.ts";
import type { ClusterTls } from "./cluster-config.ts";

/** What both sides of a connection give to `node:tls`. */
export interface TlsSettings {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
  readonly minVersion: "TLSv1.3";
  /** Either side asks the other one for a certificate, and takes none that `ca` has not signed. */
  readonly requestCert: true;
  readonly rejectUnauthorized: true;
}

/**
 * Reads the files and checks that key and certificate are such, and belong to each other.
 * @throws RangeError that names the key of `tls` where it can, and what was expected. The private
 *   key is never shown.
 */
export function readTlsSettings(tls: ClusterTls): TlsSettings {
  const [key, cert, ca] = [readPem("key", tls), readPem("cert", tls), readPem("ca", tls)];
  try {
    createSecureContext({ key, cert, ca });
  } catch (error) {
    const { message } = toErrorRecord(error);
    throw new RangeError(`tls: expected a key, its certificate and a CA, received ${message}`);
  }
  return { key, cert, ca, minVersion: "TLSv1.3", requestCert: true, rejectUnauthorized: true };
}

function readPem(field: keyof ClusterTls, tls: ClusterTls): string {
  const given = tls[field];
  if (given.includes("-----BEGIN")) return given;
  try {
    return readFileSync(given, "utf8");
  } catch (error) {
    const { code, message } = toErrorRecord(error);
    // A path that is no path may be a key without its first line.
    const received = code === "ENOENT" ? "a path where no file is" : code || message;
    throw new RangeError(
      `tls.${field}: expected PEM, or the path of a PEM file, received ${received}`,
    );
  }
}
