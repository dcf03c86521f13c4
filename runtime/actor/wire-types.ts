import { addExtension } from "msgpackr";
import { type ErrorRecord, fromErrorRecord, toErrorRecord } from "../core/index.ts";

/** The number of the MessagePack extension that carries an error. */
const errorExtension = 0x55;

const builtInErrors: Record<string, ErrorConstructor> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** An error as it was; one of a class that is not built in becomes a TroupeError of that name. */
function toError(record: ErrorRecord): Error {
  const error = fromErrorRecord(record);
  const builtIn = record.code === "" ? builtInErrors[record.name] : undefined;
  if (builtIn === undefined) return error;
  const { cause, stack } = error;
  const same = new builtIn(record.message, cause === undefined ? undefined : { cause });
  if (stack !== undefined) same.stack = stack;
  return same;
}

/** What the encoder would take for an object without fields: sent, it would arrive as nothing. */
const unsendable: readonly unknown[] = [
  Function,
  Promise,
  WeakMap,
  WeakSet,
  WeakRef,
  AbortSignal,
  SharedArrayBuffer,
];

/**
 * Teaches the encoder of this thread what it does not know of values: errors keep name, code, stack
 * and cause; functions, promises and their like are refused instead of arriving empty.
 */
export function defineWireTypes(): void {
  addExtension({
    Class: Error as never,
    type: errorExtension,
    write: (error: Error) => toErrorRecord(error) as never,
    read: (record: ErrorRecord) => toError(record),
  });
  for (const Class of unsendable) {
    addExtension({
      Class: Class as never,
      write(value: unknown): never {
        const { name } = Class as { name: string };
        const what = typeof value === "function" ? `function ${value.name}` : name;
        throw new TypeError(`a message cannot hold a ${what.trim()}`);
      },
    } as never);
  }
}
