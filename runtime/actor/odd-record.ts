import { addExtension } from "msgpackr";

/** The number of the MessagePack extension that carries an odd record. */
const oddRecordExtension = 0x56;

/** A record that travels as the list of its entries. */
class OddRecord {
  readonly entries: readonly unknown[];

  constructor(entries: readonly unknown[]) {
    this.entries = entries;
  }
}

/** Teaches the encoder of this thread to carry what {@link wrapOddRecords} makes. */
export function defineOddRecords(): void {
  addExtension({
    Class: OddRecord as never,
    type: oddRecordExtension,
    write: ({ entries }: OddRecord) => entries as never,
    // Unlike an assignment it makes an own key of `__proto__`.
    read: (entries: readonly [string, unknown][]) => Object.fromEntries(entries),
  });
}

/**
 * True, for a record that the encoder may look at. `__proto__` it would rename; `__keys__` would
 * spoil the notes that it keeps on the keys of all records, also of those to come.
 * @throws TypeError for a record with one of these keys.
 */
export function checkRecord(record: object): true {
  if (!hasOddKey(record)) return true;
  throw new TypeError("only plain data can have a key __proto__ or __keys__ in a message");
}

function hasOddKey(record: object): boolean {
  if ("__keys__" in record) return true;
  // The encoder looks here for every record: to ask for the prototype first is much cheaper.
  const { __proto__: prototype } = record as { readonly __proto__: unknown };
  return prototype !== Object.prototype && Object.hasOwn(record, "__proto__");
}

/**
 * `value` with each odd record in it, however deep, as one that travels; `value` itself when there
 * is none. Odd is plain data with a key that {@link checkRecord} refuses, or with a `toJSON` that
 * is no function, which the encoder may call. Objects of classes stay as they are.
 */
export function wrapOddRecords(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return wrapItems(value, value, (items) => items);
  if (value instanceof Map) return wrapItems(value, [...value], (entries) => new Map(entries));
  if (value instanceof Set) return wrapItems(value, [...value], (items) => new Set(items));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const build = isOdd(value) ? toOddRecord : Object.fromEntries;
  return wrapItems(value, Object.entries(value), build, build === toOddRecord);
}

function isOdd(record: object): boolean {
  if (hasOddKey(record)) return true;
  return Object.hasOwn(record, "toJSON") && typeof Reflect.get(record, "toJSON") !== "function";
}

function toOddRecord(entries: readonly unknown[]): OddRecord {
  return new OddRecord(entries);
}

/** What is made of the items of `value`, or `value` when nothing in them is odd, nor it itself. */
function wrapItems<Item>(
  value: object,
  items: readonly Item[],
  build: (items: Item[]) => unknown,
  isOddItself = false,
): unknown {
  const wrapped = items.map(wrapOddRecords) as Item[];
  if (!isOddItself && wrapped.every((item, index) => Object.is(item, items[index]))) return value;
  return build(wrapped);
}
