/** Certificates that are made for a test, by the `openssl` command. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const command = "openssl";

/** Paths of PEM files, as `tls` takes them. */
interface CertificateFiles {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

/** Why there can be no certificates on this machine; false where there can. */
export function missingOpenssl(): string | false {
  try {
    execFileSync(command, ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return "the openssl command is not installed";
  }
}

/** Makes certification authorities, and certificates that they sign; gone after the tests. */
export class CertificateFolder {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "troupe-tls-"));

  constructor() {
    after(() => rmSync(this.#folder, { recursive: true }));
  }

  /** A key and a certificate that it signed itself. */
  makeAuthority(name: string): void {
    this.#openssl(`req -x509 ${newKey} -days 2 -keyout ${name}.key -out ${name}.pem`, name);
  }

  /** A certificate for `subject`, such as `IP:127.0.0.1`, that the authority has signed. */
  make(name: string, authority: string, subject: string): CertificateFiles {
    writeFileSync(join(this.#folder, "extension"), `subjectAltName=${subject}\n`);
    this.#openssl(`req ${newKey} -keyout ${name}.key -out ${name}.csr`, name);
    const signer = `-CA ${authority}.pem -CAkey ${authority}.key -CAcreateserial`;
    const rest = `-days 1 -extfile extension -in ${name}.csr -out ${name}.pem`;
    this.#openssl(`x509 -req ${signer} ${rest}`);
    return {
      key: join(this.#folder, `${name}.key`),
      cert: join(this.#folder, `${name}.pem`),
      ca: join(this.#folder, `${authority}.pem`),
    };
  }

  #openssl(words: string, name?: string): void {
    const subject = name === undefined ? [] : ["-subj", `/CN=${name}`];
    const options = { cwd: this.#folder, stdio: "pipe" } as const;
    execFileSync(command, [...words.split(" "), ...subject], options);
  }
}

const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
