/** Who a node is, as it tells the others when they meet. */
export interface NodeIdentity {
  /** `alias@host:port`. */
  readonly name: string;
  /** Which life of the node: greater after each restart, and never 0. */
  readonly incarnation: number;
  /** Nodes of another cluster are refused. */
  readonly cluster: string;
  readonly roles: readonly string[];
}
