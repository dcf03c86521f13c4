import { isMap, type PlainData } from "./plain-data.ts";
import { printReceived } from "./received.ts";

const MAX_DEPTH = 8;
const MAX_VALUES = 500;
const MAX_LETTERS = 8_000;

/**
 * What is left of any value within bounds (8 levels, 500 values, 8,000 UTF-16 units of text), as
 * plain data. What is cut off, or is no data, is a text that says so: `"…"`, `"function"`.
 */
export function copyBounded(value: unknown): PlainData {
  return new BoundedCopier().copy(value, 0);
}

class BoundedCopier {
  #values = 0;
  #letters = 0;

  copy(value: unknown, depth: number): PlainData {
    this.#values += 1;
    if (this.#isFull()) return "…";
    if (value === null || typeof value === "boolean") return value;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    if (typeof value === "string") return this.#text(value);
    if (typeof value !== "object") return this.#text(printReceived(value));
    if (depth >= MAX_DEPTH) return "…";
    return Array.isArray(value) ? this.#list(value, depth) : this.#map(value, depth);
  }

  #list(list: readonly unknown[], depth: number): PlainData {
    const copy: PlainData[] = [];
    for (const item of list) {
      copy.push(this.copy(item, depth + 1));
      if (this.#isFull()) break;
    }
    return copy;
  }

  #map(map: object, depth: number): PlainData {
    const copy: Record<string, PlainData> = {};
    if (!isMap(map)) return copy;
    for (const key in map) {
      if (!Object.hasOwn(map, key) || key === "__proto__") continue;
      if (this.#isFull()) break;
      copy[this.#text(key)] = this.copy(map[key], depth + 1);
    }
    return copy;
  }

  #text(text: string): string {
    const room = MAX_LETTERS - this.#letters;
    this.#letters += Math.min(text.length, room);
    return text.length <= room ? text : `${text.slice(0, room).toWellFormed()}…`;
  }

  #isFull(): boolean {
    return this.#values > MAX_VALUES || this.#letters >= MAX_LETTERS;
  }
}
