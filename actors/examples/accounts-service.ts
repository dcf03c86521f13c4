import Type from "typebox";
import type { HookRequest } from "../hooks/index.ts";
import { defineService, type ServiceDefinition, ServiceError } from "../service/index.ts";

const balances = new Map([
  ["ada", 1_200],
  ["grace", 80],
]);

const userId = Type.String({ maxLength: 64 });

/** Permissions: who may call is said beside each function, and checked before it is called. */
const service: ServiceDefinition = defineService("accounts_service", {
  // Everybody who may use the channel: `checkPermission: false` is the default.
  interest: () => ({ savings: 2.5, loan: 6.1 }),
  // Whoever is known.
  whoami: {
    checkPermission: "any_authenticated",
    handler: (_args, { userId, userRoles }) => ({ user_id: userId, user_roles: userRoles }),
  },
  // Whoever the argument names, and nobody else.
  balance: {
    args: Type.Object({ user_id: userId }),
    checkPermission: { arg: "user_id" },
    handler: ({ user_id }) => balanceOf(user_id),
  },
  // Whoever has one of the roles.
  close: {
    args: Type.Object({ user_id: userId }),
    checkPermission: { role: ["admin", "auditor"] },
    handler: ({ user_id }) => ({ paid_out: balanceOf(user_id), closed: balances.delete(user_id) }),
  },
  // Whoever the callback below says: it decides alone.
  pay: {
    args: Type.Object({ to: userId, amount: Type.Number({ exclusiveMinimum: 0 }) }),
    permissionCallback: { function: "mayPay", args: [100] },
    handler({ to, amount }) {
      const balance = balanceOf(to) + amount;
      balances.set(to, balance);
      return { to, balance };
    },
  },
});

export default service;

/** Up to `limit` everybody may pay, beyond it an admin. The arguments are not checked yet. */
export function mayPay({ args, userRoles }: HookRequest, _info: unknown, limit: number): boolean {
  return userRoles.includes("admin") || Number(args["amount"]) <= limit;
}

function balanceOf(user: string): number {
  const balance = balances.get(user);
  if (balance === undefined) throw new ServiceError("not_found", `No account of ${user}`);
  return balance;
}
