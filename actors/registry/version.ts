/** A semantic version, taken apart. Numbers stay digit strings: semver does not bound them. */
export interface Version {
  readonly major: string;
  readonly minor: string;
  readonly patch: string;
  /** The dot-separated identifiers after `-`; empty for a release. */
  readonly prerelease: readonly string[];
  /** What follows `+`; takes no part in precedence. */
  readonly build: string | null;
}

/** What {@link selectVersion} needs to know of a registry entry. */
export interface Versioned {
  /** null is the unversioned entry. */
  readonly version: string | null;
  readonly disabled: boolean;
}

/** The entry that serves the version asked for, or the code of why there is none. */
export type VersionSelection<Entry> =
  | { readonly ok: true; readonly entry: Entry }
  | { readonly ok: false; readonly code: "unsupported_function" | "disabled_function" };

/** The reserved version: means "no version", and is stored as null. */
const NO_VERSION = "0.0.0";

const NUMERIC = "(?:0|[1-9]\\d*)";
const IDENTIFIER = `(?:${NUMERIC}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER: RegExp = new RegExp(
  `^(${NUMERIC})\\.(${NUMERIC})\\.(${NUMERIC})` +
    `(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?$`,
);

/** Takes a version apart by the grammar of semver.org 2.0.0; null when it is not one. */
export function parseVersion(text: string): Version | null {
  const match = SEMVER.exec(text);
  if (match === null) return null;
  const [, major = "", minor = "", patch = "", prerelease, build = null] = match;
  return { major, minor, patch, prerelease: prerelease?.split(".") ?? [], build };
}

/**
 * Orders two version strings: negative, zero or positive. Precedence is that of semver.org 2.0.0,
 * section 11. Made a total order for strings: versions that differ in build metadata alone, which
 * semver leaves equal, go by code unit; what is no semantic version stands below every one that is.
 */
export function compareVersions(left: string, right: string): number {
  const a = parseVersion(left);
  const b = parseVersion(right);
  if (a === null || b === null) {
    if (a !== null) return 1;
    return b === null ? compareText(left, right) : -1;
  }
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease) ||
    compareText(a.build ?? "", b.build ?? "")
  );
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  // A release stands above all its prereleases.
  if (a.length === 0 || b.length === 0) return Math.sign(b.length - a.length);
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const order = compareIdentifiers(a[index] ?? "", b[index] ?? "");
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

function compareIdentifiers(a: string, b: string): number {
  const aIsNumber = /^\d+$/.test(a);
  const bIsNumber = /^\d+$/.test(b);
  if (aIsNumber && bIsNumber) return compareNumbers(a, b);
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1;
  return compareText(a, b);
}

function compareNumbers(a: string, b: string): number {
  return Math.sign(a.length - b.length) || compareText(a, b);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The key that a version is stored under: null for none and for {@link NO_VERSION}. */
export function versionKey(version: string | null | undefined): string | null {
  return version === undefined || version === NO_VERSION ? null : version;
}

/**
 * Picks among the versions of one function. A version asked for is matched exactly. None asked
 * (null, undefined or {@link NO_VERSION}): the unversioned entry, else the highest enabled version.
 * A disabled unversioned entry is still the one chosen, and answers as disabled: switching it off
 * never sends its callers to other code unasked.
 */
export function selectVersion<Entry extends Versioned>(
  entries: Iterable<Entry>,
  asked: string | null | undefined,
): VersionSelection<Entry> {
  const wanted = versionKey(asked);
  let highest: Entry | null = null;
  let someDisabled = false;
  for (const entry of entries) {
    if (versionKey(entry.version) === wanted) {
      return entry.disabled ? { ok: false, code: "disabled_function" } : { ok: true, entry };
    }
    if (entry.disabled) someDisabled = true;
    else if (highest === null || compareVersions(entry.version ?? "", highest.version ?? "") > 0) {
      highest = entry;
    }
  }
  if (wanted !== null) return { ok: false, code: "unsupported_function" };
  if (highest !== null) return { ok: true, entry: highest };
  return { ok: false, code: someDisabled ? "disabled_function" : "unsupported_function" };
}
