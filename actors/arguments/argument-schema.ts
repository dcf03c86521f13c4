import Type, { type TSchema } from "typebox";
import {
  type ArgumentSpec,
  exceedsBytes,
  isDatetime,
  isMap,
  isNaiveDatetime,
  isUuid,
} from "../registry/index.ts";

/**
 * The TypeBox schema of one argument, null included where it is allowed. What JSON schema cannot
 * say (UTF-8 bytes, calendar dates, cheap refusal of large maps) is a refinement of it.
 */
export function encodeArgumentSchema(spec: ArgumentSpec): TSchema {
  const schema = encodeValueSchema(spec);
  return spec.allowNil ? Type.Union([schema, Type.Null()]) : schema;
}

function encodeValueSchema(spec: ArgumentSpec): TSchema {
  switch (spec.type) {
    case "any":
      return Type.Refine(Type.Unknown(), (value) => value !== null && value !== undefined);
    case "string":
      return encodeText(spec.maxBytes);
    case "num":
      return Type.Number();
    case "boolean":
      return Type.Boolean();
    case "uuid":
      return Type.Refine(Type.String(), isUuid);
    case "datetime":
      return Type.Refine(Type.String(), isDatetime);
    case "naive_datetime":
      return Type.Refine(Type.String(), isNaiveDatetime);
    case "list":
      return encodeList(spec, () => true);
    case "list_string": {
      const { maxItemBytes = Infinity } = spec;
      return encodeList(spec, (item) => {
        return typeof item === "string" && !exceedsBytes(item, maxItemBytes);
      });
    }
    case "list_num":
      return encodeList(spec, Number.isFinite);
    case "list_uuid":
      return encodeList(spec, (item) => typeof item === "string" && isUuid(item));
    case "list_map":
      return encodeList(spec, (item) => isMap(item) && !Object.hasOwn(item, "__proto__"));
    case "map":
      return encodeMap(spec);
  }
}

function encodeText(maxBytes = Infinity): TSchema {
  return Type.Refine(Type.String(), (text) => !exceedsBytes(text, maxBytes));
}

/** Not `Type.Array`, whose compiled check looks at all items before it looks at their number. */
function encodeList(
  { maxItems = Infinity }: ArgumentSpec,
  isItem: (item: unknown) => boolean,
): TSchema {
  return Type.Refine(Type.Unknown(), (list) => {
    if (!Array.isArray(list) || list.length > maxItems) return false;
    for (let index = 0; index < list.length; index += 1) if (!isItem(list[index])) return false;
    return true;
  });
}

function encodeMap({ maxItems = Infinity, required = [], accept }: ArgumentSpec): TSchema {
  const accepted = accept === undefined ? null : new Set(accept);
  return Type.Refine(Type.Unknown(), (value) => {
    if (!isMap(value)) return false;
    let items = 0;
    for (const key in value) {
      items += 1;
      if (items > maxItems || key === "__proto__") return false;
      if (accepted !== null && !accepted.has(key)) return false;
    }
    for (const key of required) if (!Object.hasOwn(value, key)) return false;
    return true;
  });
}
