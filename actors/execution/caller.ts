/** Who calls: what the connect handler found out about a socket, the same for all its requests. */
export interface Caller {
  /** null: nobody was verified. */
  readonly userId: string | null;
  readonly userRoles: readonly string[];
  readonly deviceId: string | null;
  readonly ipAddress: string | null;
  /** All that the connect handler returned, the fields above included. */
  readonly assigns: Readonly<Record<string, unknown>>;
}
