/** How many UTF-16 units of a value a message may quote; what is longer ends in `…`. */
export const MAX_PRINTED_LENGTH = 80;

const MAX_PRINTED_DEPTH = 4;

/**
 * The text of a received value for a message: JSON as far as JSON goes, `NaN`, `undefined`, `5n`,
 * `function` beyond it. At most {@link MAX_PRINTED_LENGTH} units and a `…`; the cost is bounded by
 * that too, whatever the size, depth or cycles of the value.
 */
export function printReceived(value: unknown): string {
  return cut(print(value, 0));
}

function cut(text: string): string {
  return text.length <= MAX_PRINTED_LENGTH
    ? text
    : `${text.slice(0, MAX_PRINTED_LENGTH).toWellFormed()}…`;
}

function print(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      // One unit more than is shown, so that the cut is seen from outside.
      return JSON.stringify(value.slice(0, MAX_PRINTED_LENGTH + 1).toWellFormed());
    case "bigint":
      return `${value}n`;
    case "object":
      if (value === null) return "null";
      if (depth >= MAX_PRINTED_DEPTH) return "…";
      return Array.isArray(value) ? printList(value, depth) : printMap(value, depth);
    case "function":
      return "function";
    default:
      return String(value);
  }
}

function printList(list: readonly unknown[], depth: number): string {
  let text = "[";
  for (let index = 0; index < list.length; index++) {
    if (text.length > MAX_PRINTED_LENGTH) break;
    text += `${index === 0 ? "" : ","}${print(list[index], depth + 1)}`;
  }
  return `${text}]`;
}

function printMap(map: object, depth: number): string {
  let text = "{";
  for (const key in map) {
    if (text.length > MAX_PRINTED_LENGTH) break;
    const item: unknown = Reflect.get(map, key);
    text += `${text === "{" ? "" : ","}${print(key, depth)}:${print(item, depth + 1)}`;
  }
  return `${text}}`;
}

/** The one form of a configuration fault: `timeout: expected …, received 50`, or `nothing`. */
export function encodeFault(field: string, expected: string, received: unknown): string {
  const came = received === undefined ? "nothing" : printReceived(received);
  return `${field}: expected ${expected}, received ${came}`;
}
