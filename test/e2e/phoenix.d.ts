/** What these tests use of the official client beyond what the others do. */
declare module "phoenix" {
  export interface Socket {
    onOpen(opened: () => void): string;
    onClose(closed: () => void): string;
    onMessage(heard: (message: PhoenixMessage) => void): string;
    ping(answered: (roundTripMs: number) => void): boolean;
  }

  export interface PhoenixMessage {
    readonly join_ref: string | null;
    readonly ref: string | null;
    readonly topic: string;
    readonly event: string;
    readonly payload: unknown;
  }
}
