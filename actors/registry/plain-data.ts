import { encodeFault, printReceived } from "./received.ts";

/** A JSON value: what survives JSON, structured clone and msgpack alike. */
export type PlainData =
  | null
  | boolean
  | number
  | string
  | readonly PlainData[]
  | { readonly [key: string]: PlainData };

const MAX_DEPTH = 32;
const MAX_NODES = 10_000;

/** A map as JSON has it: an object that is neither null nor an array. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A deeply frozen copy of `value`, which must be plain data: null, booleans, finite numbers,
 * strings, and arrays and plain objects of them, at most 32 levels and 10,000 values. Everything
 * else (functions, class instances, bigints, holes, a `__proto__` key, a cycle) is refused with a
 * fault under its path, because it would be lost or changed on its way to another thread.
 */
export function copyPlainData(value: unknown, path: string, faults: string[]): PlainData {
  return new Copier(faults).copy(value, path, 0);
}

class Copier {
  readonly #faults: string[];
  #nodes = 0;

  constructor(faults: string[]) {
    this.#faults = faults;
  }

  copy(value: unknown, path: string, depth: number): PlainData {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) {
      if (this.#nodes === MAX_NODES + 1) {
        this.#faults.push(`${path}: expected at most ${MAX_NODES} values in all`);
      }
      return null;
    }
    if (value === null || typeof value === "boolean" || typeof value === "string") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value === "object") {
      if (depth >= MAX_DEPTH) {
        this.#faults.push(`${path}: expected at most ${MAX_DEPTH} levels`);
        return null;
      }
      if (Array.isArray(value)) return this.#copyList(value, path, depth);
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype === Object.prototype || prototype === null) {
        return this.#copyMap(value, path, depth);
      }
    }
    this.#faults.push(encodeFault(path, "plain data (JSON)", value));
    return null;
  }

  #copyList(list: readonly unknown[], path: string, depth: number): PlainData {
    const copy: PlainData[] = [];
    for (let index = 0; index < list.length && this.#nodes <= MAX_NODES; index++) {
      copy.push(this.copy(list[index], `${path}[${index}]`, depth + 1));
    }
    return Object.freeze(copy);
  }

  #copyMap(map: object, path: string, depth: number): PlainData {
    const copy: Record<string, PlainData> = {};
    for (const [key, item] of Object.entries(map)) {
      if (this.#nodes > MAX_NODES) break;
      if (key === "__proto__") {
        this.#faults.push(`${path}: the key "__proto__" is reserved`);
      } else if (item !== undefined) {
        copy[key] = this.copy(item, `${path}.${printKey(key)}`, depth + 1);
      }
    }
    return Object.freeze(copy);
  }
}

function printKey(key: string): string {
  return /^[\w$-]{1,64}$/.test(key) ? key : printReceived(key);
}
