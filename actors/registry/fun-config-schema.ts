import Type, { type TSchema } from "typebox";
import { Check } from "typebox/value";
import {
  type ArgumentOrders,
  type ArgumentTypes,
  argOrdersField,
  argTypesField,
} from "./argument-fields.ts";
import {
  booleanField,
  choiceField,
  type Field,
  integerField,
  nameField,
  nullable,
} from "./field.ts";
import { type FunctionTarget, mfaField, moduleTargetField } from "./function-target.ts";
import { isName, MAX_NAME_BYTES } from "./names.ts";
import { type CheckPermission, checkPermissionField } from "./permission-fields.ts";
import { encodeFault } from "./received.ts";
import {
  type ChooseNodeMode,
  chooseNodeModeField,
  type Nodes,
  nodesField,
  type Retry,
  retryField,
} from "./selection-fields.ts";
import { parseVersion, versionKey } from "./version.ts";

/**
 * One registry entry: `{service, requestType, version}` → a function. Plain, deeply frozen data: it
 * is replicated to every thread.
 */
export interface FunConfig {
  readonly service: string;
  readonly requestType: string;
  /** A semantic version; null is the unversioned entry. */
  readonly version: string | null;
  /** A disabled version is refused by name; it does not fall back on another one. */
  readonly disabled: boolean;
  /** Where it may run. */
  readonly nodes: Nodes;
  /** Which of the replicas is called. */
  readonly chooseNodeMode: ChooseNodeMode;
  /** The deadline of a call in ms, or none. */
  readonly timeout: number | "infinity";
  /** The function itself. */
  readonly mfa: FunctionTarget;
  readonly argTypes: ArgumentTypes;
  readonly argOrders: ArgumentOrders;
  /** What the client gets: one response, a promise of one, many, or none. */
  readonly responseType: "sync" | "async" | "stream" | "none";
  /** Where it runs on its node: on an instance of its service, or on a thread of the pool. */
  readonly executor: "actor" | "pool";
  /** It keeps its thread busy: always with executor `pool`. */
  readonly cpu: boolean;
  readonly checkPermission: CheckPermission;
  /** Decides alone when set: `(request, info, ...args)`, exactly true allows. */
  readonly permissionCallback: FunctionTarget | null;
  /** May change or refuse a request before it is checked. */
  readonly beforeExecute: FunctionTarget | null;
  /** May change the response. */
  readonly afterExecute: FunctionTarget | null;
  /** The deadline of each hook and of the callback, ms. */
  readonly hookTimeout: number;
  readonly retry: Retry | null;
  /** A call whose outcome is unknown may be made again. */
  readonly idempotent: boolean;
  /** The function gets `{request_id, user_id, device_id}` as its last argument. */
  readonly requestInfo: boolean;
  /** Most calls at once on this node; null is no limit. */
  readonly maxConcurrent: number | null;
  /** Most calls that wait for one of those places. */
  readonly maxQueue: number;
}

const MIN_TIMEOUT_MS = 100;
const MAX_TIMEOUT_MS = 300_000;
const MAX_PLACES = 1_000_000;
const VERSION_EXPECTED = `null or a semantic version such as "1.2.0", at most ${MAX_NAME_BYTES} bytes`;

/** Every field of a FunConfig. A new field is an entry here and a line in {@link FunConfig}. */
export const FUN_CONFIG_FIELDS: { readonly [Name in keyof FunConfig]: Field<FunConfig[Name]> } = {
  service: nameField,
  requestType: nameField,
  version: { fallback: null, parse: parseVersionField },
  disabled: booleanField(false),
  nodes: nodesField,
  chooseNodeMode: chooseNodeModeField,
  timeout: { fallback: 5_000, parse: parseTimeout },
  mfa: mfaField,
  argTypes: argTypesField,
  argOrders: argOrdersField,
  responseType: choiceField(["sync", "async", "stream", "none"], "sync"),
  executor: choiceField(["actor", "pool"], "actor"),
  cpu: booleanField(false),
  checkPermission: checkPermissionField,
  permissionCallback: nullable(moduleTargetField),
  beforeExecute: nullable(moduleTargetField),
  afterExecute: nullable(moduleTargetField),
  hookTimeout: integerField(5_000, 1, MAX_TIMEOUT_MS, " ms"),
  retry: retryField,
  idempotent: booleanField(false),
  requestInfo: booleanField(false),
  maxConcurrent: nullable(integerField(1, 1, MAX_PLACES)),
  maxQueue: integerField(1_000, 0, MAX_PLACES),
};

function parseVersionField(input: unknown, path: string, faults: string[]): string | null {
  if (input === null) return null;
  if (isName(input) && parseVersion(input) !== null) return versionKey(input);
  faults.push(encodeFault(path, VERSION_EXPECTED, input));
  return null;
}

const TIMEOUT: TSchema = Type.Integer({ minimum: MIN_TIMEOUT_MS, maximum: MAX_TIMEOUT_MS });

function parseTimeout(input: unknown, path: string, faults: string[]): number | "infinity" {
  if (input === "infinity" || input === Infinity) return "infinity";
  if (Check(TIMEOUT, input)) return input as number;
  const expected = `an integer of ${MIN_TIMEOUT_MS} to ${MAX_TIMEOUT_MS} ms, or "infinity"`;
  faults.push(encodeFault(path, expected, input));
  return MAX_TIMEOUT_MS;
}
