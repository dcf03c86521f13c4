import { Actor } from "#runtime";
import { groups } from "../actors/relay/index.ts";

/** Makes groups on the scheduler thread that it is on, as a service does. */
export class Founder extends Actor {
  static override readonly source: string = import.meta.url;

  /** Groups of one member each, users `<name>-0` and on, who has no session. */
  async create(name: string, users: number, groupsEach: number): Promise<void> {
    for (let index = 0; index < users; index += 1) {
      const admin = `${name}-${index}`;
      for (let room = 0; room < groupsEach; room += 1) {
        await groups.create(`${admin}-room-${room}`, { admin });
      }
    }
  }
}
