import { readFileSync } from "node:fs";

const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
) as { readonly version: string };

/** The version of Troupe that runs here. */
export const troupeVersion: string = manifest.version;
