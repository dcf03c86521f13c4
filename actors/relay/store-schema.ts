/** The version of the schema that this code reads and writes; `PRAGMA user_version` of the file. */
export const schemaVersion = 3;

/** Marks a file as a relay store: `PRAGMA application_id`, the letters `TRly`. */
export const applicationId = 0x54_52_6c_79;

/**
 * What leads from each version to the next one. A fresh file takes all steps, so that there is one
 * way to the present schema only. A step that has been released is never changed again.
 */
const steps: readonly string[] = [
  `CREATE TABLE groups (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     kind TEXT NOT NULL,
     epoch TEXT NOT NULL,
     "offset" INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE members (
     position INTEGER PRIMARY KEY,
     group_number INTEGER NOT NULL,
     user_id TEXT NOT NULL,
     role TEXT NOT NULL,
     is_active INTEGER NOT NULL,
     joined_at INTEGER NOT NULL,
     UNIQUE (group_number, user_id)
   ) STRICT;
   CREATE TABLE messages (
     group_number INTEGER NOT NULL,
     "offset" INTEGER NOT NULL,
     at INTEGER NOT NULL,
     text TEXT NOT NULL,
     PRIMARY KEY (group_number, "offset")
   ) STRICT;`,
  // Groups know when they were created, members can be muted, and the file knows how it was left.
  `ALTER TABLE groups ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE groups ADD COLUMN is_suspect INTEGER NOT NULL DEFAULT 0;
   UPDATE groups SET created_at = coalesce((
     SELECT min(moment) FROM (
       SELECT joined_at AS moment FROM members WHERE group_number = groups.number
       UNION ALL
       SELECT at AS moment FROM messages WHERE group_number = groups.number
     )
   ), 0);
   ALTER TABLE members ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
   UPDATE members SET status = 'pending' WHERE is_active = 0;
   ALTER TABLE members DROP COLUMN is_active;
   CREATE TABLE run (is_closed INTEGER NOT NULL, sync TEXT NOT NULL) STRICT;
   INSERT INTO run (is_closed, sync) VALUES (0, 'interval');`,
  // Members have versions, as if no more had been decided of them than what can be seen; and who was
  // removed is remembered.
  `ALTER TABLE members ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
   UPDATE members SET version = CASE
     WHEN status = 'muted' THEN max(joined_at, 3)
     WHEN role = 'admin' THEN 3
     WHEN status = 'active' THEN 2
     ELSE 1 END;
   CREATE TABLE removed (
     group_number INTEGER NOT NULL,
     user_id TEXT NOT NULL,
     removed_at INTEGER NOT NULL,
     PRIMARY KEY (group_number, user_id)
   ) STRICT;
   CREATE INDEX removed_by_time ON removed (group_number, removed_at);`,
];

/** What a file says of itself. */
export interface FoundSchema {
  readonly applicationId: number;
  readonly version: number;
  /** Whether it has no table at all. */
  readonly isEmpty: boolean;
}

/** What is to be done with a file: SQL to bring it up to date, or why it is left alone. */
export type SchemaDecision =
  | { readonly type: "use"; readonly migration: string | null }
  | { readonly type: "refuse"; readonly message: string };

/**
 * How a file becomes one of the present version. One that is not a relay store, and one that a newer
 * version has written, are refused: nothing may be written to them.
 */
export function decideSchema(found: FoundSchema): SchemaDecision {
  const isNew = found.applicationId === 0 && found.version === 0 && found.isEmpty;
  if (!isNew && found.applicationId !== applicationId) {
    return { type: "refuse", message: "it is a database of something else" };
  }
  if (found.version > schemaVersion) {
    const known = `this version of Troupe knows up to ${schemaVersion}`;
    return { type: "refuse", message: `its schema has version ${found.version}, ${known}` };
  }
  if (found.version === schemaVersion) return { type: "use", migration: null };
  const marks = `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion};`;
  return { type: "use", migration: [...steps.slice(found.version), marks].join("\n") };
}

/** Bytes at the beginning of a database file that {@link parseFileHeader} reads. */
export const fileHeaderBytes = 100;

/**
 * Version and application id as the first bytes of a database file tell them, without opening it:
 * even to open a database for reading may write to it. Null: it is no database.
 * https://www.sqlite.org/fileformat2.html#the_database_header
 */
export function parseFileHeader(bytes: Buffer): Omit<FoundSchema, "isEmpty"> | null {
  if (bytes.length < fileHeaderBytes) return null;
  if (bytes.toString("latin1", 0, 16) !== "SQLite format 3\0") return null;
  return { version: bytes.readInt32BE(60), applicationId: bytes.readInt32BE(68) };
}

/**
 * An id as the file holds it. SQLite keeps text as UTF-8, in which strings with lone surrogates
 * become alike: those, and what could be taken for one of them, are kept as JSON.
 */
export function encodeId(id: string): string {
  return id.isWellFormed() && !id.includes("\0") && !id.startsWith('"') ? id : JSON.stringify(id);
}

/** The id that {@link encodeId} has encoded. */
export function parseId(stored: string): string {
  return stored.startsWith('"') ? (JSON.parse(stored) as string) : stored;
}
