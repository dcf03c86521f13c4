import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroupKind, MemberState } from "../../../actors/relay/group-kind.ts";
import { decidePermission, type GroupAction } from "../../../actors/relay/permission.ts";

const member: MemberState = {
  ...{ userId: "ann", role: "member", status: "active", joinedAt: 0, version: 1 },
};
const askers = {
  stranger: undefined,
  pending: { ...member, status: "pending" },
  muted: { ...member, status: "muted" },
  active: member,
  admin: { ...member, role: "admin" },
  system: null,
} as const satisfies Record<string, MemberState | undefined | null>;

const codes: Readonly<Record<string, string | null>> = {
  ok: null,
  stranger: "not_a_member",
  pending: "membership_pending",
  muted: "muted",
  admin: "not_admin",
  kind: "not_strict_private",
};

/** For each action: stranger, pending, muted, active, admin, system. */
const matrix: Readonly<Record<GroupKind, Readonly<Record<GroupAction, string>>>> = {
  public: {
    info: "ok       ok      ok    ok    ok   ok",
    history: "stranger pending ok    ok    ok   ok",
    send: "stranger pending muted ok    ok   ok",
    accept: "stranger pending muted ok    ok   ok",
    mute: "stranger pending kind  kind  kind kind",
    unmute: "stranger pending kind  kind  kind kind",
    promote: "stranger pending admin admin ok   ok",
    demote: "stranger pending admin admin ok   ok",
    remove: "stranger pending admin admin ok   ok",
    delete: "stranger pending admin admin ok   ok",
  },
  private: {
    info: "stranger pending ok    ok    ok   ok",
    history: "stranger pending ok    ok    ok   ok",
    send: "stranger pending muted ok    ok   ok",
    accept: "stranger pending muted ok    ok   ok",
    mute: "stranger pending kind  kind  kind kind",
    unmute: "stranger pending kind  kind  kind kind",
    promote: "stranger pending admin admin ok   ok",
    demote: "stranger pending admin admin ok   ok",
    remove: "stranger pending admin admin ok   ok",
    delete: "stranger pending admin admin ok   ok",
  },
  strict_private: {
    info: "stranger pending ok    ok    ok   ok",
    history: "stranger pending ok    ok    ok   ok",
    send: "stranger pending muted ok    ok   ok",
    accept: "stranger pending admin admin ok   ok",
    mute: "stranger pending admin admin ok   ok",
    unmute: "stranger pending admin admin ok   ok",
    promote: "stranger pending admin admin ok   ok",
    demote: "stranger pending admin admin ok   ok",
    remove: "stranger pending admin admin ok   ok",
    delete: "stranger pending admin admin ok   ok",
  },
};

for (const kind of Object.keys(matrix) as GroupKind[]) {
  test(`${kind}: the permission matrix`, () => {
    for (const [action, row] of Object.entries(matrix[kind]) as [GroupAction, string][]) {
      const decided = Object.values(askers).map((by) => decidePermission(kind, action, by));
      assert.deepEqual(
        decided.map((refusal) => refusal?.code ?? null),
        row.split(/ +/).map((word) => codes[word]),
        action,
      );
    }
  });
}
