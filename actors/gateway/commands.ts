import { type CommandTable, runtimeCommands, withHelp } from "#runtime";
import { callCommands } from "./call-commands.ts";
import { circuitCommands } from "./circuit-commands.ts";
import { configCommands } from "./config-commands.ts";
import { functionCommands } from "./function-commands.ts";
import { GatewayAccess, type RunningGateway } from "./gateway-access.ts";
import { groupCommands } from "./group-commands.ts";
import { healthCommand } from "./health-command.ts";
import { limitCommands } from "./limit-commands.ts";
import { NodeAccess, nodeCommands } from "./node-commands.ts";
import { serviceCommands } from "./service-commands.ts";

/**
 * The commands of a gateway: the runtime's, and those of its parts. `running` is called when one is
 * carried out, so that a process without a gateway can list them.
 */
export function gatewayCommands(running: () => RunningGateway): CommandTable {
  const gateway = new GatewayAccess(running);
  const nodes = new NodeAccess(gateway);
  const runtime = runtimeCommands(() => gateway.system);
  return withHelp(
    runtime.with([
      ...nodeCommands(gateway, nodes, runtime),
      ...serviceCommands(gateway, nodes, runtime),
      ...callCommands(gateway),
      healthCommand(gateway),
      ...functionCommands(gateway),
      ...configCommands(gateway),
      ...limitCommands(gateway),
      ...circuitCommands(gateway),
      ...groupCommands(),
    ]),
  );
}
