import { type Field, nameField } from "./field.ts";
import { type FunctionTarget, moduleTargetField } from "./function-target.ts";
import { parseNames } from "./names.ts";
import { isMap } from "./plain-data.ts";
import { encodeFault, printReceived } from "./received.ts";

/**
 * The nodes that may run a function: this one, some by name, those with a role, or those that a
 * resolver gives.
 */
export type Nodes = "local" | readonly string[] | { readonly role: string } | FunctionTarget;

/** How one of several replicas is chosen; the words are {@link NODE_MODES}. */
export type ChooseNodeMode =
  | (typeof NODE_MODES)[number]
  | { readonly hash: string }
  | { readonly sticky: string }
  | FunctionTarget;

/** How often a failed call is made again: on the same node, or on whichever is next. */
export type Retry = { readonly sameNode: number } | { readonly allNodes: number };

/** The ways of choosing a node that need no further word. `hash` is that of the request id. */
const NODE_MODES = ["random", "hash", "round_robin", "least_loaded"] as const;

/** Most names in a list of nodes. */
const MAX_NODES = 1_000;
const MAX_RETRIES = 10;

/** The field `nodes`. */
export const nodesField: Field<Nodes> = { fallback: "local", parse: parseNodes };

/** The field `chooseNodeMode`. */
export const chooseNodeModeField: Field<ChooseNodeMode> = {
  fallback: "random",
  parse: parseChooseNodeMode,
};

/** The field `retry`. */
export const retryField: Field<Retry | null> = { fallback: null, parse: parseRetry };

function parseNodes(input: unknown, path: string, faults: string[]): Nodes {
  if (input === "local") return input;
  if (isMap(input)) return parseNodeMap(input, path, faults);
  if (Array.isArray(input) && input.length > 0 && input.length <= MAX_NODES) {
    return parseNames(input, path, faults);
  }
  const expected = `"local", a list of 1 to ${MAX_NODES} names, {role: name}, or {module, function, args}`;
  faults.push(encodeFault(path, expected, input));
  return "local";
}

function parseNodeMap(input: Record<string, unknown>, path: string, faults: string[]): Nodes {
  if (!Object.hasOwn(input, "role")) return moduleTargetField.parse(input, path, faults);
  const { role, ...others } = input;
  for (const other of Object.keys(others)) {
    faults.push(`${path}.${printReceived(other)}: a role stands alone`);
  }
  return Object.freeze({ role: nameField.parse(role, `${path}.role`, faults) });
}

function parseChooseNodeMode(input: unknown, path: string, faults: string[]): ChooseNodeMode {
  const mode = NODE_MODES.find((word) => word === input);
  if (mode !== undefined) return mode;
  if (isMap(input)) {
    if (Object.hasOwn(input, "module") || Object.hasOwn(input, "function")) {
      return moduleTargetField.parse(input, path, faults);
    }
    const [[kind, name] = [], ...others] = Object.entries(input);
    if (others.length === 0 && (kind === "hash" || kind === "sticky")) {
      const argument = nameField.parse(name, `${path}.${kind}`, faults);
      return Object.freeze(kind === "hash" ? { hash: argument } : { sticky: argument });
    }
  }
  const words = NODE_MODES.map((word) => JSON.stringify(word)).join(", ");
  const expected = `one of ${words}, {hash: argument}, {sticky: argument}, {module, function, args}`;
  faults.push(encodeFault(path, expected, input));
  return "random";
}

function parseRetry(input: unknown, path: string, faults: string[]): Retry | null {
  if (input === null) return null;
  if (!isMap(input)) return countRetries("allNodes", input, path, faults);
  const [[kind = "", count] = [], ...others] = Object.entries(input);
  for (const [other] of others) faults.push(`${path}.${printReceived(other)}: one of them only`);
  if (kind === "sameNode" || kind === "same_node") {
    return countRetries("sameNode", count, `${path}.${kind}`, faults);
  }
  if (kind === "allNodes" || kind === "all_nodes") {
    return countRetries("allNodes", count, `${path}.${kind}`, faults);
  }
  faults.push(encodeFault(path, "null, a number, {sameNode: n} or {allNodes: n}", input));
  return null;
}

function countRetries(
  kind: "sameNode" | "allNodes",
  count: unknown,
  path: string,
  faults: string[],
): Retry | null {
  if (Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MAX_RETRIES) {
    if (count === 0) return null;
    return Object.freeze(
      kind === "sameNode" ? { sameNode: Number(count) } : { allNodes: Number(count) },
    );
  }
  faults.push(encodeFault(path, `an integer of 0 to ${MAX_RETRIES}`, count));
  return null;
}
