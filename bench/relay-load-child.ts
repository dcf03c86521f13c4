/** The clients of the relay bench, in one process whose CPU time nobody counts. */
import { RelayOwners } from "./relay-owners.ts";
import { type RelaySide, relayProtocols } from "./relay-protocols.ts";
import { RelayRoom, type RunUntil } from "./relay-room.ts";
import { serveMeasurement } from "./server-process.ts";

const rooms = new Map<RelaySide, RelayRoom>();
const owners = new Map<string, RelayOwners>();

serveMeasurement(
  0,
  async () => {
    for (const clients of [...rooms.values(), ...owners.values()]) clients.close();
  },
  {
    async connect(side: RelaySide, port: number, members: number): Promise<void> {
      const room = new RelayRoom(relayProtocols[side]);
      rooms.set(side, room);
      await room.connect(port, members);
    },
    run: (side: RelaySide, window: number, until: RunUntil) => rooms.get(side)?.run(window, until),
    async own(port: number, name: string, users: number): Promise<void> {
      const connected = new RelayOwners();
      owners.set(name, connected);
      await connected.connect(port, name, users);
    },
    create: (name: string, groupsEach: number) => owners.get(name)?.create(groupsEach),
  },
);
