/** A second, slow reading of the argument types, written after the contract and not after the code. */

/** What is to be said of the value of an argument. */
export type Judgement =
  | "ok"
  | "missing"
  | "type"
  | "value"
  | "size"
  | "item_type"
  | "item_value"
  | "item_size"
  | "item_rejected"
  | "lacking"
  | "rejected";

/** A type with its constraints, in the spelling of JSON. */
export interface NaiveSpec {
  readonly type: string;
  readonly allow_nil?: boolean;
  readonly default_value?: unknown;
  readonly max_bytes?: number;
  readonly max_items?: number;
  readonly max_item_bytes?: number;
  readonly required?: readonly string[];
  readonly accept?: readonly string[];
}

/** What the contract says of `value`; undefined is an argument that is absent. */
export function judge(spec: NaiveSpec, value: unknown): Judgement {
  if (value === undefined && (spec.default_value ?? null) !== null) return "ok";
  if (value === undefined || value === null) return spec.allow_nil === true ? "ok" : "missing";
  if (spec.type === "any") return "ok";
  if (spec.type === "map") return judgeMap(spec, value);
  const [list, item] = spec.type.split("_");
  if (list !== "list") return judgeScalar(spec.type, value, spec.max_bytes ?? 3_000);
  if (!Array.isArray(value)) return "type";
  if (value.length > (spec.max_items ?? 1_000)) return "size";
  if (item === undefined) return "ok";
  for (const each of value) {
    if (item === "map") {
      if (!isObject(each)) return "item_type";
      if (Reflect.ownKeys(each).includes("__proto__")) return "item_rejected";
      continue;
    }
    const judged = judgeScalar(item, each, spec.max_item_bytes ?? 3_000);
    if (judged !== "ok") return `item_${judged}` as Judgement;
  }
  return "ok";
}

function judgeScalar(
  type: string,
  value: unknown,
  maxBytes: number,
): "ok" | "type" | "value" | "size" {
  switch (type) {
    case "num":
      return typeof value === "number" && value - value === 0 ? "ok" : "type";
    case "boolean":
      return value === true || value === false ? "ok" : "type";
    case "string":
      if (typeof value !== "string") return "type";
      return countBytes(value) > maxBytes ? "size" : "ok";
    default:
      if (typeof value !== "string") return "type";
      return hasForm(type, value) ? "ok" : "value";
  }
}

function judgeMap(spec: NaiveSpec, value: unknown): Judgement {
  if (!isObject(value)) return "type";
  const keys = Reflect.ownKeys(value) as string[];
  if (keys.length > (spec.max_items ?? 1_000)) return "size";
  if ((spec.required ?? []).some((name) => !keys.includes(name))) return "lacking";
  const accepted = spec.accept === undefined || spec.accept.length === 0 ? keys : spec.accept;
  const isRejected = (key: string): boolean => key === "__proto__" || !accepted.includes(key);
  return keys.some(isRejected) ? "rejected" : "ok";
}

function hasForm(type: string, text: string): boolean {
  if (type === "uuid") {
    const groups = text.split("-");
    const lengths = groups.map((group) => group.length).join();
    return (
      lengths === "8,4,4,4,12" &&
      [...groups.join("")].every((c) => "0123456789abcdef".includes(c.toLowerCase()))
    );
  }
  const match = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?$/.exec(
    text,
  );
  if (match === null || text.endsWith("\n")) return false;
  const [, date = "", time = "", , zone] = match;
  if ((zone === undefined) !== (type === "naive_datetime")) return false;
  if (zone !== undefined && /\d/.test(zone)) {
    const [hours = 99, minutes = 99] = zone.slice(1).split(":").map(Number);
    if (hours > 23 || minutes > 59) return false;
  }
  // The platform's calendar moves what does not exist to another day, or has no time for it.
  const moment = new Date(`${date}T${time}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(`${date}T${time}`);
}

function countBytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function isObject(value: unknown): value is object {
  return Object.prototype.toString.call(value) === "[object Object]";
}
