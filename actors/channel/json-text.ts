/**
 * JSON text at the edge of the socket: reading what a stranger sent, quoting what goes out.
 */

/**
 * Levels of arrays and objects that one frame may nest, the frame itself being the first.
 *
 * `JSON.parse` itself survives any depth, but what comes after it (structured clone, schema
 * validators, message packing) recurses and would throw far from the frame that caused it.
 */
export const maxJsonDepth = 512;

/** Outcome of {@link parseJsonText}; `reason` is fit for the client and repeats none of its text. */
export type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: string };

const notJson: ParsedJson = { ok: false, reason: "not JSON" };
const tooDeep: ParsedJson = { ok: false, reason: `nested deeper than ${maxJsonDepth} levels` };

/**
 * Parses one JSON text. Never throws.
 *
 * As `JSON.parse`: of duplicate keys the last wins, and a `__proto__` key becomes an ordinary own
 * property, so no prototype changes. Whoever copies the value must not assign such a key to an
 * object that has a prototype.
 */
export function parseJsonText(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return notJson;
  }
  // Each level costs two characters, so ordinary requests are too short to need the walk.
  if (text.length > 2 * maxJsonDepth && exceedsDepth(value, maxJsonDepth)) return tooDeep;
  return { ok: true, value };
}

/** The JSON of a binary payload, `{}` where it is empty; text that is none is left as it is. */
export function parseJsonBytes(bytes: Buffer): unknown {
  if (bytes.length === 0) return {};
  const text = bytes.toString();
  const parsed = parseJsonText(text);
  return parsed.ok ? parsed.value : text;
}

/** Whether `value` nests more than `levels`; recurses `levels` deep at most. */
function exceedsDepth(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      if (typeof value[i] === "object" && exceedsDepth(value[i], levels - 1)) return true;
    }
    return false;
  }
  const record = value as Record<string, unknown>;
  for (const key in record) {
    if (exceedsDepth(record[key], levels - 1)) return true;
  }
  return false;
}

/** Up to this many UTF-16 units a loop beats the call into `JSON.stringify` (measured: 14 to 45 ns). */
const shortLength = 8;

/**
 * Quotes `text` as a JSON string, null as `null`, exactly as `JSON.stringify` does: lone surrogates
 * come out escaped, so the result is always valid UTF-8 on the wire.
 */
export function encodeJsonString(text: string | null): string {
  if (text === null) return "null";
  if (text.length > shortLength) return JSON.stringify(text);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || unit >= 0xd800) {
      return JSON.stringify(text);
    }
  }
  return `"${text}"`;
}
