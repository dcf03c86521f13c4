/**
 * Counts the connections of a node over all of its threads, without a lock and without waiting for
 * another thread: each acceptor writes a region of its own in shared memory and reads them all.
 *
 * Per address there are counters in four rows, found by a keyed hash, as in a count-min sketch
 * (Cormode and Muthukrishnan, 2005); the smallest of the four is what counts. Other addresses may
 * add to it, they cannot take away: the bound holds always, and an address is refused too early only
 * when each of its four counters is shared with addresses that are nearly at the bound as well.
 */

import { hash, randomBytes } from "node:crypto";
import { isIPv6 } from "node:net";

/** What is never exceeded; null is no bound. */
export interface ConnectionLimits {
  readonly maxConnections: number | null;
  readonly maxConnectionsPerIp: number | null;
  /** Whether `maxConnectionsPerIp` holds for clients of this machine too. */
  readonly limitLoopback: boolean;
}

/** A connection that has been counted. */
export type Place = readonly number[];

/** A connection is counted, or one bound has been reached. */
export type Entry =
  | { readonly ok: true; readonly place: Place }
  | { readonly ok: false; readonly bound: "node" | "address" };

const saltBytes = 32;
const rows = 4;
/** Counters in a row: a power of two that 16 bits of the hash reach. */
const width = 16_384;
/** The first counter of a region is that of all connections. */
const regionCells = 1 + rows * width;

/** Memory for so many acceptors, 256 KiB each. */
export function makeConnectionMemory(acceptors: number): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(saltBytes + acceptors * regionCells * 4);
  new Uint8Array(memory, 0, saltBytes).set(randomBytes(saltBytes));
  return memory;
}

/** The connections of one acceptor, and what it sees of the others'. */
export class ConnectionLedger {
  readonly #limits: ConnectionLimits;
  readonly #cells: Int32Array;
  readonly #salt: string;
  readonly #start: number;
  #isRetired = false;

  /**
   * Begins at zero: what the predecessor in the same region had counted is gone with it.
   * @param index of the acceptor, from 0.
   * @throws RangeError when the memory has no such region.
   */
  constructor(memory: SharedArrayBuffer, index: number, limits: ConnectionLimits) {
    this.#limits = limits;
    this.#cells = new Int32Array(memory, saltBytes);
    this.#salt = Buffer.from(new Uint8Array(memory, 0, saltBytes)).toString("latin1");
    this.#start = index * regionCells;
    if (!(index >= 0 && this.#start + regionCells <= this.#cells.length)) {
      const regions = this.#cells.length / regionCells;
      throw new RangeError(`index: expected a number from 0 to ${regions - 1}, received ${index}`);
    }
    this.#clear();
  }

  /**
   * Counts a connection. It counts first and looks then, so of two threads that take the last place
   * at the same instant none or one has it, never both. IPv6 clients count by network (/64).
   */
  enter(address: string | null): Entry {
    const { maxConnections, maxConnectionsPerIp, limitLoopback } = this.#limits;
    const place = [this.#start];
    if (maxConnectionsPerIp !== null && (limitLoopback || !isLoopback(address))) {
      place.push(...this.#cellsOf(selectNetwork(address ?? "")));
    }
    for (const cell of place) Atomics.add(this.#cells, cell, 1);
    const [all = 0, ...ofAddress] = place.map((cell) => this.#sum(cell));
    const isFull = maxConnections !== null && all > maxConnections;
    if (
      !isFull &&
      (ofAddress.length === 0 || Math.min(...ofAddress) <= Number(maxConnectionsPerIp))
    ) {
      return { ok: true, place };
    }
    this.leave(place);
    return { ok: false, bound: isFull ? "node" : "address" };
  }

  /** The connection is gone; to be called once. */
  leave(place: Place): void {
    if (this.#isRetired) return;
    for (const cell of place) Atomics.sub(this.#cells, cell, 1);
  }

  /** The acceptor is gone, and all that it had counted. */
  retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#clear();
  }

  #clear(): void {
    for (let i = 0; i < regionCells; i++) Atomics.store(this.#cells, this.#start + i, 0);
  }

  #cellsOf(network: string): number[] {
    const digest = hash("sha256", this.#salt + network, "buffer");
    return Array.from({ length: rows }, (_, row) => {
      const column = digest.readUInt16LE(row * 2) % width;
      return this.#start + 1 + row * width + column;
    });
  }

  /** What all acceptors have counted where this one counts. */
  #sum(cell: number): number {
    let sum = 0;
    for (let at = cell - this.#start; at < this.#cells.length; at += regionCells) {
      sum += Atomics.load(this.#cells, at);
    }
    return sum;
  }
}

function isLoopback(address: string | null): boolean {
  return address !== null && (address.startsWith("127.") || address === "::1");
}

/** The first 64 bits of an IPv6 address, which are what one subscriber has; an IPv4 address itself. */
export function selectNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [plain = ""] = address.split("%");
  const [head = "", tail] = plain.split("::");
  const groups = splitGroups(head);
  if (tail !== undefined) {
    const rest = splitGroups(tail);
    // An IPv4 address at the end stands for two groups.
    const given = groups.length + rest.length + (tail.includes(".") ? 1 : 0);
    groups.push(...Array<string>(Math.max(0, 8 - given)).fill("0"), ...rest);
  }
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}

function splitGroups(text: string): string[] {
  return text === "" ? [] : text.split(":");
}
