import { compareVersions, selectVersion, type Versioned, versionKey } from "./version.ts";

/** What the catalog needs of an entry; the executor keeps its compiled validators beside it. */
export interface CatalogEntry extends Versioned {
  readonly service: string;
  readonly requestType: string;
}

/** A lookup's outcome; `message` is the text for the client. */
export type Lookup<Entry> =
  | { readonly ok: true; readonly entry: Entry }
  | {
      readonly ok: false;
      readonly code: "unsupported_function" | "disabled_function";
      readonly message: string;
    };

interface Versions<Entry> {
  readonly byVersion: Map<string | null, Entry>;
  readonly outcomes: Map<string | null, Lookup<Entry>>;
  /** The answer to "no version asked", decided on each change so that a request only reads it. */
  latest: Lookup<Entry>;
}

/**
 * The index of all functions on one thread: service → request type → versions. A lookup is three
 * map reads at most and allocates nothing unless it fails; changes pay for that.
 */
export class Catalog<Entry extends CatalogEntry> {
  readonly #services = new Map<string, Map<string, Versions<Entry>>>();
  #count = 0;

  /**
   * The entry for a request. No version (null, undefined or the reserved `"0.0.0"`) means the
   * unversioned entry, else the highest enabled version. Refusals: `unsupported_function`,
   * `disabled_function`, with `unsupported function: NAME version V`, V being `latest` when none
   * was asked.
   */
  lookup(service: string, requestType: string, version?: string | null): Lookup<Entry> {
    const versions = this.#services.get(service)?.get(requestType);
    if (versions !== undefined) {
      const key = versionKey(version);
      if (key === null) return versions.latest;
      const outcome = versions.outcomes.get(key);
      if (outcome !== undefined) return outcome;
    }
    return refuse("unsupported_function", requestType, versionKey(version));
  }

  /** Adds an entry, or replaces the one of the same service, request type and version. */
  set(entry: Entry): void {
    let functions = this.#services.get(entry.service);
    if (functions === undefined) {
      functions = new Map();
      this.#services.set(entry.service, functions);
    }
    let versions = functions.get(entry.requestType);
    if (versions === undefined) {
      versions = {
        byVersion: new Map(),
        outcomes: new Map(),
        latest: refuse("unsupported_function", entry.requestType, null),
      };
      functions.set(entry.requestType, versions);
    }
    const key = versionKey(entry.version);
    if (!versions.byVersion.has(key)) this.#count += 1;
    versions.byVersion.set(key, entry);
    versions.outcomes.set(
      key,
      entry.disabled
        ? refuse("disabled_function", entry.requestType, key)
        : Object.freeze({ ok: true, entry }),
    );
    versions.latest = decideLatest(versions, entry.requestType);
  }

  /** Removes one version (null: the unversioned entry); false when there was none. */
  delete(service: string, requestType: string, version: string | null): boolean {
    const functions = this.#services.get(service);
    const versions = functions?.get(requestType);
    const key = versionKey(version);
    if (functions === undefined || !versions?.byVersion.delete(key)) return false;
    versions.outcomes.delete(key);
    this.#count -= 1;
    if (versions.byVersion.size > 0) {
      versions.latest = decideLatest(versions, requestType);
      return true;
    }
    functions.delete(requestType);
    if (functions.size === 0) this.#services.delete(service);
    return true;
  }

  /**
   * All entries, or those of one service, ordered by service, request type (code units) and version
   * (unversioned first, then ascending). A new array each time.
   */
  list(service?: string): Entry[] {
    const services = service === undefined ? [...this.#services.keys()].sort() : [service];
    const entries: Entry[] = [];
    for (const name of services) {
      const functions = this.#services.get(name);
      if (functions === undefined) continue;
      for (const requestType of [...functions.keys()].sort()) {
        const versions = functions.get(requestType)?.byVersion ?? new Map<string | null, Entry>();
        for (const key of [...versions.keys()].sort(compareKeys)) {
          const entry = versions.get(key);
          if (entry !== undefined) entries.push(entry);
        }
      }
    }
    return entries;
  }

  /** How many entries there are, each version counted, disabled ones too. */
  count(): number {
    return this.#count;
  }
}

function compareKeys(left: string | null, right: string | null): number {
  if (left === null || right === null) return Number(left !== null) - Number(right !== null);
  return compareVersions(left, right);
}

function decideLatest<Entry extends CatalogEntry>(
  versions: Versions<Entry>,
  requestType: string,
): Lookup<Entry> {
  const selection = selectVersion(versions.byVersion.values(), null);
  return selection.ok ? Object.freeze(selection) : refuse(selection.code, requestType, null);
}

function refuse<Entry>(
  code: "unsupported_function" | "disabled_function",
  requestType: string,
  version: string | null,
): Lookup<Entry> {
  const state = code === "disabled_function" ? "disabled" : "unsupported";
  const message = `${state} function: ${requestType} version ${version ?? "latest"}`;
  return Object.freeze({ ok: false, code, message });
}
