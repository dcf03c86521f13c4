import { encodeText, RelaySocket } from "./relay-socket.ts";

/** Users who have groups of their own and say nothing in them. */
export class RelayOwners {
  readonly #owners: { readonly name: string; readonly socket: RelaySocket }[] = [];

  /** Connects users `<name>-0` and on, each joined to a channel to call on. */
  async connect(port: number, name: string, count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const owner = `${name}-${index}`;
      const path = `/socket/websocket?vsn=2.0.0&user_id=${owner}`;
      const socket = await RelaySocket.open(port, path);
      const joined = new Promise<void>((resolve) => {
        socket.onText = () => resolve();
      });
      socket.send(encodeText('["1","1","api:lobby","phx_join",{"reply":"inline"}]'));
      await joined;
      this.#owners.push({ name: owner, socket });
    }
  }

  /** Every user creates so many groups. */
  async create(groupsEach: number): Promise<void> {
    for (const { name, socket } of this.#owners) {
      const created = Promise.withResolvers<void>();
      let open = groupsEach;
      socket.onEnd = (why) => created.reject(new Error(why));
      socket.onText = (text) => {
        if (!text.includes('"phx_reply"')) return;
        if (!text.includes('"success":true')) created.reject(new Error(text.toString()));
        open -= 1;
        if (open === 0) created.resolve();
      };
      for (let index = 0; index < groupsEach; index += 1) {
        const args = { group_id: `${name}-room-${index}` };
        const names = { service: "chat_service", request_type: "create_group" };
        const call = JSON.stringify({ ...names, request_id: `${index}`, args });
        socket.send(encodeText(`["1","${index}","api:lobby","api",${call}]`));
      }
      await created.promise;
    }
  }

  close(): void {
    for (const { socket } of this.#owners) socket.close();
  }
}
