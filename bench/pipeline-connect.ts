/** Everybody is a user with the role that the bench's function asks for. */
export function connect(): Record<string, unknown> {
  return { user_id: "bench", user_roles: ["bench"], device_id: "bench" };
}
