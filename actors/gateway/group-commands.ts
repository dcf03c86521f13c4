import { type Command, CommandError, isReplyError, type Parameter } from "#runtime";
import {
  type GroupInfo,
  type GroupListing,
  type Groups,
  groups as groupsHere,
  listGroups,
} from "../relay/index.ts";
import { currentContext } from "../service/index.ts";
import { readOptionalText, readText } from "./command-arguments.ts";
import { formatGroup, formatGroups } from "./group-text.ts";

/** Groups that a list describes. */
const maxListed = 100;

/** What the commands act on. */
export interface GroupPorts {
  readonly groups: Pick<Groups, "info" | "delete">;
  list(pattern: string | null, limit: number): Promise<GroupListing>;
}

const ownPorts: GroupPorts = {
  groups: groupsHere,
  list: async (pattern, limit) => {
    const context = currentContext();
    if (context === null) throw new CommandError("the gateway is not running at the moment");
    return listGroups(context, pattern, limit);
  },
};

/** What there is to do with relay groups, wherever in the cluster they live. */
export function groupCommands({ groups, list }: GroupPorts = ownPorts): Command[] {
  const id: Parameter = { name: "id", kind: "text" };
  const readId = (given: unknown): string => readText(given, "id", "the name of a group");
  return [
    {
      name: "groups",
      parameters: [{ name: "pattern", kind: "text", optional: true }],
      description:
        "the relay groups of all gateways; pattern: part of a name, or with * for any text",
      run: (given): Promise<GroupListing> =>
        list(readOptionalText(given, "pattern", "a part of a name") ?? null, maxListed),
      format: formatGroups,
    },
    {
      name: "groupInfo",
      parameters: [id],
      description: "a relay group: kind, messages, members and their devices",
      run: (given): Promise<GroupInfo> => attempt(groups.info(readId(given))),
      format: formatGroup,
    },
    {
      name: "deleteGroup",
      parameters: [id],
      description: "end a relay group for all its members, with its messages",
      run: async (given): Promise<{ readonly deleted: string }> => {
        const deleted = readId(given);
        await attempt(groups.delete(deleted));
        return { deleted };
      },
      format: ({ deleted }: { deleted: string }) => `the group ${deleted} is no more`,
    },
  ];
}

/** What a group refuses is one line for an operator. */
async function attempt<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (isReplyError(error) || error instanceof TypeError) throw new CommandError(error.message);
    throw error;
  }
}
