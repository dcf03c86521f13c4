import { fileURLToPath, pathToFileURL } from "node:url";
import { type Field, NAME_EXPECTED, nameField } from "./field.ts";
import { isName } from "./names.ts";
import { copyPlainData, isMap, type PlainData } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

/** A function that a configuration names. */
export interface FunctionTarget {
  /**
   * A `file:` URL; or, only in `mfa`, the registered name of a service, which {@link isModulePath}
   * tells from it.
   */
  readonly module: string;
  /** The name of the exported function; for a service, of its message. */
  readonly function: string;
  /** Predefined arguments: those of `mfa` come before the request's, all others last. */
  readonly args: readonly PlainData[];
}

const MODULE_EXPECTED = "an absolute path or a file: URL";

/** Names that may not be called on a module, beside those that every object inherits. */
const RESERVED: ReadonlySet<string> = new Set(["default", "eval", "prototype", "then"]);

/**
 * Whether the `module` of a target means a module rather than a registered name: it contains a
 * slash, begins with a dot, or is a URL.
 */
export function isModulePath(module: string): boolean {
  return (
    module.includes("/") || module.startsWith(".") || /^(?:file|node|data|https?):/i.test(module)
  );
}

/** The field `mfa`: a service by its registered name, or a module. */
export const mfaField: Field<FunctionTarget> = {
  parse: (input, path, faults) =>
    parseFunctionTarget(input, path, faults, (module) =>
      isModulePath(module) ? selectModuleUrl(module) : module,
    ),
};

/** A target that can only be a module. */
export const moduleTargetField: Field<FunctionTarget> = {
  parse: (input, path, faults) => parseFunctionTarget(input, path, faults, selectModuleUrl),
};

/** The `file:` URL of an absolute path or of such a URL, query kept; null for anything else. */
function selectModuleUrl(module: string): string | null {
  if (module.includes("\0") || /%00/.test(module)) return null;
  if (module.startsWith("/")) return pathToFileURL(module).href;
  if (!/^file:\/\//i.test(module)) return null;
  try {
    const url = new URL(module);
    // Refuses hosts and escaped slashes, which mean other things to other readers.
    fileURLToPath(url);
    return url.href;
  } catch {
    return null;
  }
}

function parseFunctionTarget(
  input: unknown,
  path: string,
  faults: string[],
  selectModule: (module: string) => string | null,
): FunctionTarget {
  if (!isMap(input)) {
    faults.push(encodeFault(path, "{module, function, args}", input));
    return { module: "", function: "", args: [] };
  }
  const { module: given, function: name, args = [], ...others } = input;
  for (const key of Object.keys(others))
    faults.push(`${path}.${printReceived(key)}: unknown field`);
  let module = nameOrPath(given, `${path}.module`, faults);
  if (module !== "") {
    const selected = selectModule(module);
    if (selected === null) faults.push(encodeFault(`${path}.module`, MODULE_EXPECTED, given));
    else module = selected;
  }
  const target = {
    module,
    function: nameField.parse(name, `${path}.function`, faults),
    args: Array.isArray(args) ? args : [],
  };
  // Every object inherits the first; none of them is a function of the service.
  const isReserved = isModulePath(module) ? isReservedExport : isInherited;
  if (isName(name) && isReserved(name)) {
    faults.push(`${path}.function: the name ${printReceived(name)} is reserved`);
  }
  if (!Array.isArray(args)) faults.push(encodeFault(`${path}.args`, "a list", args));
  const predefined = copyPlainData(target.args, `${path}.args`, faults) as readonly PlainData[];
  return Object.freeze({ ...target, args: predefined });
}

function isInherited(name: string): boolean {
  return name in Object.prototype;
}

function isReservedExport(name: string): boolean {
  return isInherited(name) || RESERVED.has(name);
}

/** Most UTF-16 units of a path: what Linux takes, and the URL around it. */
const MAX_PATH_LENGTH = 4_200;

function nameOrPath(input: unknown, path: string, faults: string[]): string {
  if (isName(input)) return input;
  if (typeof input === "string" && isModulePath(input) && input.length <= MAX_PATH_LENGTH) {
    return input;
  }
  faults.push(encodeFault(path, NAME_EXPECTED, input));
  return "";
}
