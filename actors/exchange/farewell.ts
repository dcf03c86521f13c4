import { Actor } from "#runtime";

/** Time for other nodes to hear that the services of this one have stopped, ms. */
const farewellMs = 250;

/**
 * Keeps a node that is being stopped in the cluster for a moment after its services have stopped:
 * what is on its way to them from threads that have not heard of it is then refused as not taken,
 * and passed on to other nodes, where it would be lost with the connection.
 */
export class Farewell extends Actor {
  static override readonly source: string = import.meta.url;

  protected override async terminate(): Promise<void> {
    const { nodes, clock } = this.context;
    if (nodes.list().every(({ isSelf }) => isSelf)) return;
    await new Promise<void>((resolve) => {
      clock.after(farewellMs, resolve);
    });
  }
}
