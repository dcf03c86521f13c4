export { type GroupListing, type ListedGroup, listGroups } from "./group-listing.ts";
export type { GroupInfo } from "./group-messages.ts";
export {
  type GroupMessage,
  type GroupOptions,
  Groups,
  groups,
  type PageOptions,
} from "./groups.ts";
export { groupStarter, relayChildren } from "./relay-children.ts";
export { parseRelaySettings, type RelaySettings } from "./relay-settings.ts";
