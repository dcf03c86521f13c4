export { type GroupOptions, groups } from "./groups.ts";
export { groupStarter, relayChildren } from "./relay-children.ts";
export { parseRelaySettings, type RelaySettings } from "./relay-settings.ts";
