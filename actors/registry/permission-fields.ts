import { type Field, nameField } from "./field.ts";
import { parseNames } from "./names.ts";
import { isMap } from "./plain-data.ts";
import { encodeFault } from "./received.ts";

/**
 * Who may call: everybody; whoever is authenticated; whoever names himself in that argument; whoever
 * has one of the roles.
 */
export type CheckPermission =
  | false
  | "any_authenticated"
  | { readonly arg: string }
  | { readonly role: readonly string[] };

const EXPECTED = 'false, "any_authenticated", {arg: name} or {role: [name, …]}';

/** The field `checkPermission`. */
export const checkPermissionField: Field<CheckPermission> = {
  fallback: false,
  parse: parseCheckPermission,
};

function parseCheckPermission(input: unknown, path: string, faults: string[]): CheckPermission {
  if (input === false || input === "any_authenticated") return input;
  if (isMap(input)) {
    const [[kind, value] = [], ...others] = Object.entries(input);
    if (others.length === 0 && kind === "arg") {
      return Object.freeze({ arg: nameField.parse(value, `${path}.arg`, faults) });
    }
    if (others.length === 0 && kind === "role") {
      const before = faults.length;
      const role = parseNames(value, `${path}.role`, faults);
      // An empty list would let nobody in, for which there is `disabled`.
      if (role.length === 0 && faults.length === before) {
        faults.push(encodeFault(`${path}.role`, "at least one role", value));
      }
      return Object.freeze({ role });
    }
  }
  faults.push(encodeFault(path, EXPECTED, input));
  return false;
}
