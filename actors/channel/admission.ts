import type { IncomingHttpHeaders } from "node:http";
import { type ActorContext, toErrorRecord } from "#runtime";
import type { Caller } from "../request/index.ts";
import { anonymousCaller, parseAssigns } from "./assigns.ts";
import type { AcceptorConfig } from "./channel-config.ts";
import {
  type ConnectHandler,
  type ConnectRequest,
  loadConnectHandler,
  runConnectHandler,
} from "./connect.ts";
import { ConnectionLedger, makeConnectionMemory } from "./connection-ledger.ts";
import { fetchConnectionMemory } from "./connection-memory.ts";
import type { TokenVerifier } from "./jwt.ts";
import { compileOrigins, type OriginCheck } from "./origin.ts";
import { RefusalLog } from "./refusal-log.ts";

/** An upgrade that is not to be. `reason` is all that the client learns. */
export interface Refusal {
  readonly ok: false;
  readonly status: number;
  readonly reason: string;
}

/** A connection that has its place; it is to be given back once. */
export interface Entered {
  readonly ok: true;
  readonly leave: () => void;
}

/** Who connects. */
export interface Identity {
  readonly ok: true;
  readonly caller: Caller;
  /** When its token ends, milliseconds since 1970; null: never. */
  readonly expiresAt: number | null;
}

const refused: Refusal = Object.freeze({ ok: false, status: 403, reason: "refused" });

/**
 * Decides which upgrade requests of one acceptor become sockets, cheapest question first: the page
 * that asks, the number of connections, the token, the application's connect handler.
 */
export class Admission {
  readonly #context: ActorContext;
  readonly #log: RefusalLog;
  readonly #isWelcome: OriginCheck;
  readonly #ledger: ConnectionLedger;
  readonly #tokens: TokenVerifier | null;
  readonly #handler: ConnectHandler | null;

  private constructor(
    context: ActorContext,
    config: AcceptorConfig,
    ledger: ConnectionLedger,
    handler: ConnectHandler | null,
    tokens: TokenVerifier | null,
  ) {
    const { allowedOrigins, host } = config;
    this.#context = context;
    this.#log = new RefusalLog(context.log, context.clock);
    this.#isWelcome = compileOrigins(allowedOrigins, host);
    this.#ledger = ledger;
    this.#tokens = tokens;
    this.#handler = handler;
  }

  /**
   * @param index of the acceptor among those of the node, from 0.
   * @throws TroupeError `load_failed` for the connect handler or the JWKS file, `unavailable` when
   * nobody offers the memory of the connections; TypeError for an origin that is none.
   */
  static async open(
    context: ActorContext,
    config: AcceptorConfig,
    index: number,
  ): Promise<Admission> {
    const { auth, connect, connectionMemory } = config;
    const handler = connect === null ? null : await loadConnectHandler(connect);
    const ledger =
      connectionMemory === null
        ? new ConnectionLedger(makeConnectionMemory(1), 0, config)
        : new ConnectionLedger(
            await fetchConnectionMemory(connectionMemory, context.clock),
            index,
            config,
          );
    // Cryptography is much code, which threads without tokens are spared.
    const tokens =
      auth.jwt === null ? null : new (await import("./jwt.ts")).TokenVerifier(auth.jwt, context);
    return new Admission(context, config, ledger, handler, tokens);
  }

  /** Whether one more may come, from that page and that address. */
  enter({ origin, host }: IncomingHttpHeaders, ipAddress: string | null): Entered | Refusal {
    if (!this.#isWelcome(origin, host)) {
      this.#log.add("origin not allowed", { origin, host, ipAddress });
      return { ok: false, status: 403, reason: "origin not allowed" };
    }
    const entry = this.#ledger.enter(ipAddress);
    if (entry.ok) return { ok: true, leave: () => this.#ledger.leave(entry.place) };
    const isFull = entry.bound === "node";
    const bound = isFull ? "maxConnections" : "maxConnectionsPerIp";
    this.#log.add(`${bound} is reached`, { ipAddress });
    return isFull
      ? { ok: false, status: 503, reason: "too many connections" }
      : { ok: false, status: 429, reason: "too many connections from this address" };
  }

  /** Who connects; at once where nobody has to be asked. Never rejects. */
  identify(request: ConnectRequest): Identity | Refusal | Promise<Identity | Refusal> {
    if (this.#tokens === null && this.#handler === null) {
      return { ok: true, caller: anonymousCaller(request.ipAddress), expiresAt: null };
    }
    return this.#identify(request);
  }

  /** All that this acceptor has let in is gone. */
  close(): void {
    this.#ledger.retire();
  }

  async #identify(request: ConnectRequest): Promise<Identity | Refusal> {
    const { ipAddress, token } = request;
    const tokens = this.#tokens;
    if (tokens === null) return this.#askHandler(request, null);
    const verified = await tokens.verify(token);
    if (!verified.ok) {
      this.#log.add(verified.reason, { ipAddress });
      return refused;
    }
    const { claims, expiresAt } = verified;
    if (this.#handler !== null) return this.#askHandler({ ...request, claims }, expiresAt);
    try {
      const caller = parseAssigns(tokens.assigns(claims), ipAddress);
      return { ok: true, caller, expiresAt };
    } catch (error) {
      this.#log.add(`token: ${toErrorRecord(error).message}`, { ipAddress });
      return refused;
    }
  }

  async #askHandler(
    request: ConnectRequest,
    expiresAt: number | null,
  ): Promise<Identity | Refusal> {
    const { clock, log } = this.#context;
    try {
      const handler = this.#handler ?? (() => null);
      const assigns = await runConnectHandler(handler, request, clock);
      if (assigns === null) {
        this.#log.add("connect handler refused", { ipAddress: request.ipAddress });
        return refused;
      }
      return { ok: true, caller: parseAssigns(assigns, request.ipAddress), expiresAt };
    } catch (error) {
      const { message, stack } = toErrorRecord(error);
      log("error", "connect handler failed", { error: message, stack });
      return refused;
    }
  }
}
