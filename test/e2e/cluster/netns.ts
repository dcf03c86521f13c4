import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Scope } from "../gateway-process.ts";

const run = promisify(execFile);

/** How to name what no other run of the tests has. */
const suffix: string = process.pid.toString(36);
const hostSide = `trh${suffix}`;
const nodeSide = `trn${suffix}`;

/**
 * A network namespace, joined with the rest of this machine by a cable of its own: the kernel's TCP
 * over a line that can be pulled out, which no proxy can imitate.
 */
export class NetworkNamespace {
  /** The address of this machine on the cable, and that of the namespace. */
  readonly hostAddress: string;
  readonly address: string;
  readonly #name: string;

  private constructor(name: string, subnet: number) {
    this.#name = name;
    this.hostAddress = `10.213.${subnet}.1`;
    this.address = `10.213.${subnet}.2`;
  }

  /** Makes one, which goes with `scope`; the reason when this machine does not allow it. */
  static async open(scope: Scope): Promise<NetworkNamespace | string> {
    const name = `troupe-${suffix}`;
    const namespace = new NetworkNamespace(name, process.pid % 256);
    try {
      await ip("netns", "add", name);
    } catch (error) {
      return reasonOf(error);
    }
    scope.after(() => void ip("netns", "del", name).catch(() => {}));
    try {
      await ip("link", "add", hostSide, "type", "veth", "peer", "name", nodeSide, "netns", name);
      await ip("addr", "add", `${namespace.hostAddress}/30`, "dev", hostSide);
      await ip("link", "set", hostSide, "up");
      await ip("-n", name, "addr", "add", `${namespace.address}/30`, "dev", nodeSide);
      await ip("-n", name, "link", "set", "lo", "up");
      await ip("-n", name, "link", "set", nodeSide, "up");
      return namespace;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** A command that runs the command behind it in the namespace. */
  get wrapper(): readonly string[] {
    return ["ip", "netns", "exec", this.#name];
  }

  /** Pulls the cable out. */
  async pull(): Promise<void> {
    await ip("-n", this.#name, "link", "set", nodeSide, "down");
  }

  async plugIn(): Promise<void> {
    await ip("-n", this.#name, "link", "set", nodeSide, "up");
  }

  /** Loses everything that this machine sends to the namespace; what comes from there arrives. */
  async loseIncoming(): Promise<void> {
    await run("tc", ["qdisc", "replace", "dev", hostSide, "root", "bfifo", "limit", "1"]);
  }

  /** Impairs what this machine sends, as in `delay 50ms loss 5%`; the reason when it cannot. */
  async impair(...how: readonly string[]): Promise<string | null> {
    try {
      await run("tc", ["qdisc", "replace", "dev", hostSide, "root", "netem", ...how]);
      return null;
    } catch (error) {
      return reasonOf(error);
    }
  }

  /** Ends what `loseIncoming` or `impair` began. */
  async restore(): Promise<void> {
    await run("tc", ["qdisc", "del", "dev", hostSide, "root"]);
  }
}

async function ip(...args: string[]): Promise<void> {
  await run("ip", args);
}

/** What the tool said, or that there is none. */
function reasonOf(error: unknown): string {
  const { stderr = "", message } = error as Error & { stderr?: string };
  return (stderr.trim() || message).split("\n")[0] ?? "";
}
