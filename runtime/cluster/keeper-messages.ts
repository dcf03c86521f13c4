/** Whether what the keeper of another node told is what it should be: that node may be of another version. */

import type { Peer } from "./membership.ts";
import { isNodeName } from "./node-name.ts";
import type { NodeLife } from "./table-mirror.ts";
import { type MirrorChanges, type MirrorSnapshot, mirroredTables } from "./table-publisher.ts";

/** A node in one of its lives. */
export function isLife(value: unknown): value is NodeLife {
  const { name, incarnation } = fieldsOf(value);
  return isNodeName(name) && Number.isSafeInteger(incarnation);
}

/** A node with its roles. */
export function isPeer(value: unknown): value is Peer {
  const { roles } = fieldsOf(value);
  return isLife(value) && Array.isArray(roles) && roles.every((role) => typeof role === "string");
}

/** A whole table. */
export function isSnapshot(value: unknown): value is MirrorSnapshot {
  const { table, version, entries } = fieldsOf(value);
  const isOne = mirroredTables.includes(table as string) && Number.isSafeInteger(version);
  return isOne && Array.isArray(entries) && entries.every(isEntry);
}

/** Changes of a table. */
export function areChanges(value: unknown): value is MirrorChanges {
  const { table, after, changes } = fieldsOf(value);
  const areSome = mirroredTables.includes(table as string) && Number.isSafeInteger(after);
  return areSome && Array.isArray(changes) && changes.every(isChange);
}

function isEntry(value: unknown): boolean {
  return Array.isArray(value) && typeof value[0] === "string";
}

function isChange(value: unknown): boolean {
  const { op, key } = fieldsOf(value);
  return op === "clear" || ((op === "set" || op === "delete") && typeof key === "string");
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
