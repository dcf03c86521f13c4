import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ConfigFile } from "#actors";
import { GatewayProcess, type Scope, type StartOptions } from "../gateway-process.ts";

/** What a configuration says of relay groups. */
export type RelayKeys = Exclude<NonNullable<ConfigFile["relay"]>, boolean>;

/** The folder of a gateway's configuration, and of its storage: it outlives the gateway. */
export class RelayFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "troupe-relay-"));
  /** The configuration itself. */
  readonly config: string = join(this.path, "troupe.config.ts");

  /**
   * `group`: what the group channel `chat:*` has; default: it creates public groups. `more`: further
   * keys of the configuration.
   */
  constructor(
    scope: Scope,
    relay: RelayKeys,
    group: object = { create: "public" },
    more: Omit<ConfigFile, "relay" | "channels" | "breaker"> = {},
  ) {
    const config = {
      relay,
      channels: [
        { topic: "api:*", event: "api" },
        { topic: "chat:*", event: "api", group },
      ],
      breaker: { enabled: false },
      // Members send no heartbeats: however slow the machine is, who is silent stays.
      idleTimeoutMs: 600_000,
      ...more,
    };
    writeFileSync(this.config, `export default ${JSON.stringify(config, null, 2)};\n`);
    scope.after(() => rmSync(this.path, { recursive: true, force: true }));
  }

  /** Starts a gateway with it. */
  start(scope: Scope, options: Omit<StartOptions, "config"> = {}): Promise<GatewayProcess> {
    return GatewayProcess.start(scope, { ...options, config: this.config });
  }
}
