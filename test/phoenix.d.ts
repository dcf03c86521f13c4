/** What the tests use of the official client, which brings no types of its own. */
declare module "phoenix" {
  export interface Push {
    receive(status: string, heard: (response: unknown) => void): Push;
  }

  export interface Channel {
    readonly state: string;
    join(): Push;
    leave(): Push;
    push(event: string, payload: unknown): Push;
    on(event: string, heard: (payload: unknown) => void): number;
    onError(heard: () => void): void;
    onClose(heard: () => void): void;
  }

  export class Socket {
    constructor(url: string, options?: object);
    connect(): void;
    disconnect(done?: () => void): void;
    isConnected(): boolean;
    channel(topic: string, params?: unknown): Channel;
  }
}
