import { isMap, type ObjectSchema, printReceived } from "../registry/index.ts";

/** Most values that TypeBox is asked to explain: it takes about a microsecond for each. */
const MAX_EXPLAINED_VALUES = 10_000;

/**
 * The message for refused arguments that are too large to be gone through once more to see what is
 * wrong with them: a list or map that is longer than the schema of the argument says, or so many
 * values in all that the client would gain and everybody else would wait. Null for all others.
 */
export function decideSizeFault(
  schema: ObjectSchema,
  args: Readonly<Record<string, unknown>>,
  requestType: string,
): string | null {
  if (!exceedsValues(args, MAX_EXPLAINED_VALUES)) return null;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (!isMap(property) || typeof value !== "object" || value === null) continue;
    const isList = Array.isArray(value);
    const limit = property[isList ? "maxItems" : "maxProperties"];
    const count = isList ? value.length : Object.keys(value).length;
    if (typeof limit !== "number" || count <= limit) continue;
    const unit = isList ? "items" : "entries";
    return `invalid argument size for ${printReceived(name)}, max ${limit} ${unit}`;
  }
  return `invalid arguments for ${printReceived(requestType)}, too many values to tell which`;
}

/** Whether there are more than `limit` values in `value`, at any depth; stops as soon as it knows. */
function exceedsValues(value: unknown, limit: number): boolean {
  const waiting: unknown[] = [value];
  let count = 0;
  while (waiting.length > 0) {
    const next = waiting.pop();
    if (typeof next !== "object" || next === null) continue;
    count += Array.isArray(next) ? next.length : 0;
    if (count > limit) return true;
    if (Array.isArray(next)) {
      for (const item of next) if (typeof item === "object") waiting.push(item);
      continue;
    }
    for (const key in next) {
      count += 1;
      if (count > limit) return true;
      waiting.push(Reflect.get(next, key));
    }
  }
  return false;
}
