/** What the tests of relay groups use of the official client beyond what the others do. */
declare module "phoenix" {
  export interface Channel {
    joinRef(): string;
  }

  export interface PresenceEntry {
    readonly metas: readonly Readonly<Record<string, unknown>>[];
  }

  export class Presence {
    constructor(channel: Pick<Channel, "on" | "joinRef">);
    list<T>(by: (key: string, presence: PresenceEntry) => T): T[];
    onJoin(
      heard: (key: string, before: PresenceEntry | undefined, now: PresenceEntry) => void,
    ): void;
    onLeave(heard: (key: string, left: PresenceEntry, gone: PresenceEntry) => void): void;
    onSync(heard: () => void): void;
  }
}
