import { type ChildSpec, type ChildStart, childOf } from "#runtime";
import { type ExchangeOptions, serviceRole } from "./exchange-options.ts";
import { Farewell } from "./farewell.ts";
import { Publisher, publisherName } from "./publisher.ts";
import { Puller, pullerName } from "./puller.ts";
import { Pusher, pusherName } from "./pusher.ts";
import { Receiver, receiverName } from "./receiver.ts";

/**
 * What exchanges functions with other nodes, for a tree that has the registry, the loader and what
 * is loaded at the start before it: so they are the first to stop. Every node learns of the
 * functions of others; those with the role `service` offer their own.
 */
export function exchangeChildren(options: ExchangeOptions): ChildSpec<ChildStart>[] {
  const { roles, pushToken = null, pushTimeoutMs = 5_000, pull = {} } = options;
  const thread = "any";
  // Their waits for other nodes keep nobody waiting.
  const concurrency = 100;
  const children = [
    childOf(Receiver, { args: [pushToken], options: { name: receiverName, thread } }),
  ];
  // Who fetches asks for no token: where one is wanted, whom to trust has to be said.
  const isTrusting = pushToken === null || pull.nodes !== undefined;
  if (pull.enabled !== false && isTrusting) {
    const pulling = { ...pull, token: pushToken };
    children.push(
      childOf(Puller, { args: [pulling], options: { name: pullerName, thread, concurrency } }),
    );
  }
  if (roles.includes(serviceRole)) {
    children.push(
      childOf(Publisher, { options: { name: publisherName, thread } }),
      childOf(Pusher, {
        args: [{ token: pushToken, timeoutMs: pushTimeoutMs }],
        options: { name: pusherName, thread, concurrency },
      }),
    );
  }
  return children;
}

/** Goes before the services of a node in a cluster, so that it stops after them. */
export function farewellChild(): ChildSpec<ChildStart> {
  return childOf(Farewell, { options: { name: "farewell", thread: "any" } });
}
