export { exchangeChildren, farewellChild } from "./exchange-children.ts";
export type { ExchangeOptions, PullOptions } from "./exchange-options.ts";
export { decidePushToken } from "./push-token.ts";
export { Pusher, pusherName } from "./pusher.ts";
export { Receiver, receiverName } from "./receiver.ts";
export type { PushStatus, ServiceStatus } from "./status.ts";
