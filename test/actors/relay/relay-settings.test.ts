import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRelaySettings, type RelaySettings } from "../../../actors/relay/relay-settings.ts";

const defaults: RelaySettings = {
  history: { messages: 100, minutes: null },
  ...{ maxMembers: 10_000, maxGroupsPerUser: 100, maxMessageBytes: 16_384 },
  ...{ messagesPerSecond: 50, slowMember: "skip", presence: true, maxPresence: 1_000 },
  ...{ presenceIntervalMs: 100, storage: null },
};

function settingsOf(given: unknown): RelaySettings {
  const outcome = parseRelaySettings(given, "relay");
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.settings;
}

function faultsOf(given: unknown): readonly string[] {
  const outcome = parseRelaySettings(given, "relay");
  assert.ok(!outcome.ok, JSON.stringify(outcome));
  return outcome.faults;
}

describe("the settings of relay groups", () => {
  it("have defaults", () => {
    assert.deepEqual(settingsOf(true), defaults);
    assert.deepEqual(settingsOf({}), defaults);
    assert.deepEqual(settingsOf({ storage: null, maxMembers: undefined }), defaults);
  });

  it("take each value, in both spellings", () => {
    const given = {
      history: { messages: 10, minutes: 5 },
      ...{ maxMembers: 3, max_groups_per_user: 4, maxMessageBytes: 5, messages_per_second: null },
      ...{ slow_member: "disconnect", presence: false, max_presence: 6, presenceIntervalMs: 7 },
      storage: { path: "x.db", flush_ms: 8, sync: "full" },
    };
    assert.deepEqual(settingsOf(given), {
      history: { messages: 10, minutes: 5 },
      ...{ maxMembers: 3, maxGroupsPerUser: 4, maxMessageBytes: 5, messagesPerSecond: null },
      ...{ slowMember: "disconnect", presence: false, maxPresence: 6, presenceIntervalMs: 7 },
      storage: { path: "x.db", flushMs: 8, sync: "full", maxMessages: 10, maxAgeMs: 300_000 },
    });
    assert.deepEqual(settingsOf({ storage: { path: "x.db" } }).storage, {
      ...{ path: "x.db", flushMs: 100, sync: "interval", maxMessages: 100, maxAgeMs: null },
    });
  });

  it("tell every fault, with field, what was expected and what came", () => {
    const faults = faultsOf({
      history: { messages: 0, minutes: "1" },
      ...{ maxMembers: 1.5, maxGroupsPerUser: "many", maxMessageBytes: 0, messagesPerSecond: 0 },
      ...{ slowMember: "wait", presence: 1, maxPresence: -1, presenceIntervalMs: null },
      storage: { flushMs: 0, sync: "never" },
    });
    assert.deepEqual(faults, [
      "relay.history.messages: expected a whole number from 1 to 10000, received 0",
      'relay.history.minutes: expected a whole number from 1 to 525600, or null, received "1"',
      "relay.maxMembers: expected a whole number from 1 to 1000000, received 1.5",
      'relay.maxGroupsPerUser: expected a whole number from 1 to 1000000, received "many"',
      "relay.maxMessageBytes: expected a whole number from 1 to 16777216, received 0",
      "relay.messagesPerSecond: expected a whole number from 1 to 100000, or null, received 0",
      'relay.slowMember: expected one of "skip", "disconnect", received "wait"',
      "relay.presence: expected true or false, received 1",
      "relay.maxPresence: expected a whole number from 1 to 100000, received -1",
      "relay.presenceIntervalMs: expected a whole number from 1 to 60000, received null",
      "relay.storage.path: expected the path of a file, received nothing",
      "relay.storage.flushMs: expected a whole number from 1 to 60000, received 0",
      'relay.storage.sync: expected one of "interval", "full", received "never"',
    ]);
  });

  it("refuse what is no map, fields that there are none of, and one that is given twice", () => {
    assert.match(
      String(faultsOf(7)),
      /^relay: expected a map \{ history\?, maxMembers\?, .*received 7$/,
    );
    assert.deepEqual(faultsOf({ history: 5 }), [
      "relay.history: expected a map { messages?, minutes? }, received 5",
    ]);
    assert.match(String(faultsOf({ members: 5 })), /^relay: unknown key "members": expected one/);
    assert.deepEqual(faultsOf({ maxMembers: 1, max_members: 1 }), [
      "relay.max_members: given twice, also as maxMembers",
    ]);
    assert.match(String(faultsOf({ storage: { path: "x", full: true } })), /unknown key "full"/);
  });
});
