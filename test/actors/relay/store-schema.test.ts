import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  applicationId,
  decideSchema,
  encodeId,
  parseFileHeader,
  parseId,
  schemaVersion,
} from "../../../actors/relay/store-schema.ts";

describe("decideSchema", () => {
  it("leaves a file of the present version as it is", () => {
    const found = { applicationId, version: schemaVersion, isEmpty: false };
    assert.deepEqual(decideSchema(found), { type: "use", migration: null });
  });

  it("takes a fresh file through all steps, an older one through the rest of them", () => {
    const fresh = decideSchema({ applicationId: 0, version: 0, isEmpty: true });
    assert.ok(fresh.type === "use");
    assert.match(String(fresh.migration), /CREATE TABLE groups/);
    let last = String(fresh.migration);
    for (const version of [1, 2]) {
      const older = decideSchema({ applicationId, version, isEmpty: false });
      assert.ok(older.type === "use" && older.migration !== null);
      assert.ok(last.endsWith(older.migration) && last.length > older.migration.length);
      assert.match(older.migration, /PRAGMA user_version = 3/);
      last = older.migration;
    }
    assert.doesNotMatch(last, /CREATE TABLE run/);
  });

  it("refuses a newer version, and what is no relay store", () => {
    const newer = decideSchema({ applicationId, version: 4, isEmpty: false });
    assert.deepEqual(newer, {
      type: "refuse",
      message: "its schema has version 4, this version of Troupe knows up to 3",
    });
    const other = { type: "refuse", message: "it is a database of something else" };
    for (const found of [
      { applicationId: 0, version: 0, isEmpty: false },
      { applicationId: 0, version: 2, isEmpty: true },
      { applicationId: 7, version: 2, isEmpty: false },
    ]) {
      assert.deepEqual(decideSchema(found), other);
    }
  });
});

describe("parseFileHeader", () => {
  it("is null for what is too short or no database", () => {
    assert.equal(parseFileHeader(Buffer.from("SQLite format 3\0")), null);
    assert.equal(parseFileHeader(Buffer.alloc(100)), null);
  });

  it("reads version and application id", () => {
    const bytes = Buffer.alloc(100);
    bytes.write("SQLite format 3\0", "latin1");
    bytes.writeInt32BE(9, 60);
    bytes.writeInt32BE(-4, 68);
    assert.deepEqual(parseFileHeader(bytes), { version: 9, applicationId: -4 });
  });
});

describe("ids on disk", () => {
  const anyId = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('"', "\\", "\0", "\ud800", "\udc00", "a", "é") }),
  );

  it("are text that UTF-8 keeps, and come back as they were", () => {
    fc.assert(
      fc.property(anyId, (id) => {
        const stored = encodeId(id);
        assert.equal(Buffer.from(stored, "utf8").toString("utf8"), stored);
        assert.ok(!stored.includes("\0"));
        assert.equal(parseId(stored), id);
      }),
    );
  });

  it("are themselves where nothing is special about them", () => {
    assert.equal(encodeId("chat room: 7, é"), "chat room: 7, é");
  });
});
