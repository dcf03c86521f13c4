import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const file = "groups.sqlite";

/** What the file of a gateway has of a durable group. */
export interface GroupOnDisk {
  /** In the order of joining, each as `user role status`. */
  readonly members: readonly string[];
  /** How many messages. */
  readonly count: number;
  /** The offset of the last one; null: there is none. */
  readonly last: number | null;
}

/**
 * Reads a group from a copy of the file, which its gateway alone may open; null: it is not there. While
 * the gateway writes, the copy may be older than the file, or torn: then it is undefined.
 */
export function readGroup(folder: string, groupId: string): GroupOnDisk | null | undefined {
  const copy = mkdtempSync(join(folder, "copy-"));
  try {
    for (const name of [file, `${file}-wal`]) {
      if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(copy, name));
    }
    const database = new DatabaseSync(join(copy, file));
    try {
      return read(database, groupId);
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  } finally {
    rmSync(copy, { recursive: true });
  }
}

function read(database: DatabaseSync, groupId: string): GroupOnDisk | null {
  const group = database.prepare("SELECT number FROM groups WHERE id = ?").get(groupId);
  if (group === undefined) return null;
  const number = group["number"] as number;
  const members = database
    .prepare("SELECT user_id, role, status FROM members WHERE group_number = ? ORDER BY position")
    .all(number)
    .map((row) => `${row["user_id"]} ${row["role"]} ${row["status"]}`);
  const messages = `SELECT count(*) AS count, max("offset") AS last FROM messages WHERE group_number = ?`;
  const { count, last } = database.prepare(messages).get(number) ?? {};
  return { members, count: Number(count), last: last as number | null };
}
