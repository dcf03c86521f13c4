export * from "./command.ts";
export { parseArguments, parseModuleUrl, runtimeCommands } from "./commands.ts";
export { formatUsages, withHelp } from "./help.ts";
export { Operator, type Restarted, type Stopped } from "./operator.ts";
export { Prompt, type PromptOptions, type PromptStreams } from "./prompt.ts";
export { attachPrompt, NoSystemError, requestCommand } from "./socket-client.ts";
export type { Answer } from "./socket-protocol.ts";
export { ReplSocket, runCommand } from "./socket-server.ts";
export { type Column, formatDuration, formatFields, formatTable } from "./table-text.ts";
