import Type from "typebox";
import {
  defineFunction,
  defineService,
  type ServiceDefinition,
  ServiceError,
} from "../service/index.ts";

interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly roles: readonly string[];
}

const users: ReadonlyMap<string, User> = new Map(
  [
    { id: "1", name: "Ada Lovelace", email: "ada@example.com", roles: ["admin"] },
    { id: "2", name: "Grace Hopper", email: "grace@example.com", roles: ["editor"] },
    { id: "3", name: "Alan Turing", email: "alan@example.com", roles: [] },
  ].map((user) => [user.id, user]),
);

const userId = Type.String({ maxLength: 64 });
const fields = Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10 });

/** A function of several versions: version 2.0.0 leaves out what is not asked for. */
const service: ServiceDefinition = defineService("user_service", {
  list_users: () => [...users.values()],
  get_user: [
    defineFunction({
      version: "1.0.0",
      args: Type.Object({ user_id: userId }),
      handler: ({ user_id }) => findUser(user_id),
    }),
    defineFunction({
      version: "2.0.0",
      args: Type.Object({ user_id: userId, fields: Type.Optional(fields) }),
      handler: (args) => {
        const user = findUser(args.user_id);
        return args.fields === undefined ? user : selectFields(user, args.fields);
      },
    }),
  ],
});

export default service;

function findUser(id: string): User {
  const user = users.get(id);
  if (user === undefined) throw new ServiceError("not_found", `No user ${id}`);
  return user;
}

function selectFields(user: User, names: readonly string[]): Partial<User> {
  return Object.fromEntries(Object.entries(user).filter(([name]) => names.includes(name)));
}
