import type { ArgumentSpec } from "./argument-types.ts";
import { exceedsBytes } from "./byte-limit.ts";
import type { PlainData } from "./plain-data.ts";

const TEXT = "example";

/** Values of the argument types, within every constraint there can be. */
export const EXAMPLE_VALUES = {
  uuid: "3f2b8c1e-5d47-4a90-9b6e-0c1d2e3f4a5b",
  datetime: "2026-01-31T12:30:00Z",
  naive_datetime: "2026-01-31T12:30:00",
} as const;

/** A value for an argument that passes its own validation: its default where it has one. */
export function selectExampleValue(spec: ArgumentSpec): PlainData {
  if (spec.defaultValue !== undefined) return spec.defaultValue;
  switch (spec.type) {
    case "string":
    case "any":
      return cutText(spec.maxBytes);
    case "num":
      return 1;
    case "boolean":
      return true;
    case "uuid":
    case "datetime":
    case "naive_datetime":
      return EXAMPLE_VALUES[spec.type];
    case "map":
      return Object.fromEntries((spec.required ?? []).map((name) => [name, TEXT]));
    default:
      return spec.maxItems === 0 ? [] : [selectItem(spec)];
  }
}

function selectItem(spec: ArgumentSpec): PlainData {
  switch (spec.type) {
    case "list_num":
      return 1;
    case "list_uuid":
      return EXAMPLE_VALUES.uuid;
    case "list_map":
      return { key: TEXT };
    default:
      return cutText(spec.maxItemBytes);
  }
}

function cutText(maxBytes = Infinity): string {
  return exceedsBytes(TEXT, maxBytes) ? TEXT.slice(0, maxBytes) : TEXT;
}
