import { inspect } from "node:util";
import { type Ask, type Command, CommandError, parseArguments } from "#runtime";
import { isMap, printReceived } from "../registry/index.ts";
import type { Response } from "../request/index.ts";
import type { Acceptor } from "./acceptor.ts";
import { readText } from "./command-arguments.ts";
import { type Console, consoleName, type OnBehalf } from "./console.ts";
import type { GatewayAccess } from "./gateway-access.ts";

/** The streams of a request that were stopped. */
interface StoppedStreams {
  readonly requestId: string;
  readonly stopped: number;
}

/** What there is to do with calls. */
export function callCommands(gateway: GatewayAccess): Command[] {
  return [
    {
      name: "call",
      parameters: [
        gateway.serviceParameter(),
        gateway.functionParameter(),
        { name: "args", kind: "json", optional: true },
        { name: "as", kind: "json", optional: true },
      ],
      description: "call a function as a client would, e.g. as {user_id}",
      run: (...given) => call(gateway, given),
      format: ({ success, result, error, code }: Response) =>
        success ? inspect(result, { depth: 6 }) : `${code ?? "error"}: ${error}`,
    },
    {
      name: "stopStream",
      parameters: [{ name: "requestId", kind: "text" }],
      description: "stop the stream of a request, whoever its client is",
      run: (given) => stopStream(gateway, given),
      format: ({ requestId, stopped }: StoppedStreams) =>
        stopped === 1
          ? `stopped the stream ${requestId}`
          : `stopped ${stopped} streams of the request id ${requestId}`,
    },
  ];
}

async function call(gateway: GatewayAccess, given: readonly unknown[]): Promise<Response> {
  const [service, type, args = {}, as = {}] = parseArguments(given);
  if (typeof service !== "string") throw new CommandError("service: expected a name");
  if (typeof type !== "string") throw new CommandError("type: expected the name of a function");
  if (!isMap(args)) throw new CommandError("args: expected an object of arguments by name");
  checkOnBehalf(as);
  // The function has a deadline of its own.
  const timeoutMs = Number.POSITIVE_INFINITY;
  return gateway.find<Console>(consoleName).askWith({ timeoutMs }).call(service, type, args, as);
}

/** A misspelt user would be denied what the operator wants to try, without a word of why. */
function checkOnBehalf(as: unknown): asserts as is OnBehalf {
  if (!isMap(as)) throw new CommandError("as: expected an object such as { user_id }");
  const { user_id, user_roles, device_id, ...others } = as;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const known = "user_id, user_roles, device_id";
    throw new CommandError(`as: expected ${known}, received ${printReceived(unknown)}`);
  }
  for (const [name, value] of Object.entries({ user_id, device_id })) {
    if (value === undefined || typeof value === "string") continue;
    throw new CommandError(`as.${name}: expected a text, received ${printReceived(value)}`);
  }
  const isList = Array.isArray(user_roles) && user_roles.every((role) => typeof role === "string");
  if (user_roles === undefined || isList) return;
  const received = printReceived(user_roles);
  throw new CommandError(`as.user_roles: expected a list of texts, received ${received}`);
}

/** Nobody but the clients' sessions knows which streams there are: all are asked. */
async function stopStream(gateway: GatewayAccess, given: unknown): Promise<StoppedStreams> {
  const requestId = readText(given, "requestId", "the request_id of a stream");
  const acceptors = gateway.acceptors();
  const counts = await Promise.all(
    acceptors.map((name) =>
      gateway.status(name, async (acceptor: Ask<Acceptor>) => acceptor.stopStream(requestId)),
    ),
  );
  const stopped = counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  if (stopped > 0) return { requestId, stopped };
  const silent = acceptors.filter((_, index) => counts[index] === undefined);
  const doubt = silent.length === 0 ? "" : `; no answer from ${silent.join(", ")}`;
  throw new CommandError(
    `no client has an open stream with the request id ${JSON.stringify(requestId)}${doubt}`,
  );
}
