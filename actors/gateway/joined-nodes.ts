import type { System } from "#runtime";

/** How long a start waits for the first node that it is to join, ms. */
const joinTimeoutMs = 2_000;

/** Resolves when another node is connected, or after two seconds; at once when none is to be joined. */
export async function waitForJoined(
  { nodes, clock }: Pick<System, "nodes" | "clock">,
  join: readonly string[],
): Promise<void> {
  const isJoined = (): boolean => nodes.list().some(({ isSelf }) => !isSelf);
  if (join.length === 0 || isJoined()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(joinTimeoutMs, resolve);
  const unsubscribe = nodes.onChange(() => {
    if (isJoined()) resolve();
  });
  await promise;
  timer.cancel();
  unsubscribe();
}
