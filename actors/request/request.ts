import { exceedsBytes, isMap, MAX_NAME_BYTES, printReceived } from "../registry/index.ts";

/** A call as a client asks for it. Who the user is comes from the socket, never from here. */
export interface Request {
  readonly requestId: string;
  readonly requestType: string;
  readonly service: string;
  readonly args: Record<string, unknown>;
  /** null: no version asked. */
  readonly version: string | null;
  readonly deviceId: string | null;
}

/**
 * A request, or why the payload is none: `message` is for the client, `requestId` its own when that
 * can be read, else {@link UNKNOWN_REQUEST_ID}.
 */
export type RequestOutcome =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly requestId: string; readonly message: string };

/** The request id of a Response to a payload that has none. */
const UNKNOWN_REQUEST_ID = "unknown";

const REQUIRED_FIELDS = ["request_type", "request_id", "service"] as const;
const OPTIONAL_FIELDS = ["version", "device_id"] as const;

/**
 * Reads the payload of a push. `request_type`, `request_id` and `service` are required, `version`
 * and `device_id` optional (absent or null): strings of 1 to 256 UTF-8 bytes, the bound of all
 * names, so that no client makes logs and messages grow. `args` is a map, `{}` when absent or null.
 * Fields that it does not know are ignored. All missing fields are told at once, and when none is
 * missing all ill-formed ones.
 */
export function parseRequest(payload: unknown): RequestOutcome {
  if (!isMap(payload)) {
    return refuse(null, `expected a map, got: ${printReceived(payload)}`);
  }
  const { request_type, request_id, service, version = null, device_id = null } = payload;
  const args = payload["args"] ?? {};
  if (
    isText(request_id) &&
    isText(request_type) &&
    isText(service) &&
    (version === null || isText(version)) &&
    (device_id === null || isText(device_id)) &&
    isMap(args)
  ) {
    const request = {
      requestId: request_id,
      requestType: request_type,
      service,
      args,
      version,
      deviceId: device_id,
    };
    return { ok: true, request };
  }
  return refuse(request_id, explain(payload, args));
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "" && !exceedsBytes(value, MAX_NAME_BYTES);
}

function refuse(requestId: unknown, message: string): RequestOutcome {
  return { ok: false, requestId: isText(requestId) ? requestId : UNKNOWN_REQUEST_ID, message };
}

function explain(payload: Record<string, unknown>, args: unknown): string {
  const missing = REQUIRED_FIELDS.filter((name) => isAbsent(payload[name]));
  if (missing.length > 0) return `Missing required fields: ${missing.join(", ")}`;
  const optional = OPTIONAL_FIELDS.filter((name) => (payload[name] ?? null) !== null);
  const faults = [...REQUIRED_FIELDS, ...optional]
    .filter((name) => !isText(payload[name]))
    .map((name) => `${name} (got ${printReceived(payload[name])})`);
  if (faults.length > 0) {
    return `Invalid fields, expected non-empty strings of at most ${MAX_NAME_BYTES} bytes: ${faults.join(", ")}`;
  }
  return `expected a map, got: ${printReceived(args)}`;
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}
